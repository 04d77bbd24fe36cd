// The dialog of this page's forms: sends, shows a refusal beside its field, closes when it is done.
import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query';
import type { FormEvent, ReactNode } from 'react';
import { ApiError } from '@/api/problem';
import type { Role } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { Field } from '@/ui/field';
import { ErrorMessage } from '@/ui/message';

/** What is wrong with a field, in the daemon's words. */
export type ProblemOf = (field: string) => string | undefined;

type Props = {
  title: string;
  submit: string;
  danger?: boolean;
  /** Read again when it is done. */
  changes: QueryKey;
  send: () => Promise<unknown>;
  onDone: () => void;
  onClose: () => void;
  children: (problem: ProblemOf) => ReactNode;
};

export function FormDialog({ title, submit, danger = false, changes, send, onDone, onClose, children }: Props) {
  const { t } = useI18n();
  const cache = useQueryClient();
  const sending = useMutation({
    mutationFn: send,
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: changes });
      onDone();
    },
  });
  const fields = sending.error instanceof ApiError ? sending.error.fields : [];
  const problem: ProblemOf = (field) => fields.find((found) => found.field === field)?.reason;
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!sending.isPending) sending.mutate();
  };
  return (
    <Dialog title={title} onClose={onClose} locked={sending.isPending}>
      <form onSubmit={onSubmit} noValidate>
        <div className="space-y-4 text-sm">
          {children(problem)}
          <ErrorMessage error={sending.error} />
        </div>
        <DialogButtons>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button type="submit" variant={danger ? 'danger' : 'primary'} busy={sending.isPending}>{submit}</Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}

type TextProps = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  problem?: string | undefined;
  hint?: string;
  password?: 'current-password' | 'new-password';
};

export function TextField({ label, value, onChange, problem, hint, password }: TextProps) {
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(control) => (
        <input
          {...control}
          className="field"
          type={password === undefined ? 'text' : 'password'}
          autoComplete={password ?? 'off'}
          autoCapitalize="none"
          spellCheck={false}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

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
