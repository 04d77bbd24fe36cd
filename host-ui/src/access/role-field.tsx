// Choosing what somebody may do.
import type { Role } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { Field } from '@/ui/field';

const roles: readonly Role[] = ['viewer', 'operator', 'admin'];

/** Roles up to one's own. */
export function RoleField({ value, most, onChange, problem }: { value: Role; most: Role; onChange: (role: Role) => void; problem?: string | undefined }) {
  const { t } = useI18n();
  return (
    <Field label={t('access.role')} problem={problem}>
      {(control) => (
        <select {...control} className="field" value={value} onChange={(event) => onChange(event.target.value as Role)}>
          {roles.slice(0, roles.indexOf(most) + 1).map((role) => (
            <option key={role} value={role}>{t(`role.${role}`)}</option>
          ))}
        </select>
      )}
    </Field>
  );
}
