// Users: who they are, and the dialogs that make, change and remove them.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '@/api/client';
import type { Role, User } from '@/api/types';
import { formatTime } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { FormDialog, TextField } from '@/ui/form-dialog';
import { LoadError, Loading, Placeholder } from '@/ui/message';
import { usersQuery } from './queries';
import { RoleField } from './role-field';

export type Open = { kind: 'create' } | { kind: 'change' | 'delete'; user: User } | null;

export function UsersCard({ own }: { own: string }) {
  const { t } = useI18n();
  const users = useQuery(usersQuery);
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  return (
    <section className="card" aria-labelledby="users-heading">
      <div className="flex items-center gap-3 border-b border-line p-4">
        <h2 id="users-heading" className="text-base font-semibold">{t('users.title')}</h2>
        <Button variant="primary" className="ml-auto" onClick={() => setOpen({ kind: 'create' })}>{t('users.create')}</Button>
      </div>
      {users.isPending && <Loading label={t('users.loading')} />}
      {users.isError && <LoadError error={users.error} what={t('users.what')} retry={() => void users.refetch()} />}
      {users.isSuccess && users.data.length === 0 && <Placeholder title={t('users.none')}>{t('users.none.text')}</Placeholder>}
      {users.isSuccess && users.data.length > 0 && <UserTable users={users.data} own={own} onOpen={setOpen} />}
      {open?.kind === 'create' && <CreateUser onClose={close} />}
      {open?.kind === 'change' && <ChangeUser user={open.user} onClose={close} />}
      {open?.kind === 'delete' && <DeleteUser user={open.user} onClose={close} />}
    </section>
  );
}

function UserTable({ users, own, onOpen }: { users: readonly User[]; own: string; onOpen: (open: Open) => void }) {
  const { t, language } = useI18n();
  return (
    <ul>
      {users.map((user) => (
        <li key={user.name} className="flex flex-wrap items-center gap-x-4 gap-y-1 border-t border-line px-4 py-2 text-sm first:border-t-0">
          <span className="min-w-32 font-medium [overflow-wrap:anywhere]">{user.name}</span>
          <span>{t(`access.role.${user.role}`)}</span>
          {user.disabled && <Badge tone="warn">{t('users.disabled')}</Badge>}
          <span className="text-muted">
            {user.last_login_at === null ? t('users.never') : t('users.lastLogin', { time: formatTime(new Date(user.last_login_at), language) })}
          </span>
          <span className="ml-auto flex gap-1">
            <Button variant="quiet" aria-label={t('users.change.named', { name: user.name })} onClick={() => onOpen({ kind: 'change', user })}>
              {t('users.change')}
            </Button>
            <Button
              variant="quiet"
              aria-label={t('users.delete.named', { name: user.name })}
              disabledReason={user.name === own ? t('users.own') : null}
              onClick={() => onOpen({ kind: 'delete', user })}
            >
              {t('users.delete')}
            </Button>
          </span>
        </li>
      ))}
    </ul>
  );
}

function CreateUser({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  return (
    <FormDialog
      title={t('users.create')}
      submit={t('users.create.submit')}
      changes={usersQuery.queryKey}
      send={() => ask(api.POST('/api/v1/users', { body: { name, password, role } }))}
      onDone={onClose}
      onClose={onClose}
    >
      {(problem) => (
        <>
          <TextField first label={t('login.username')} value={name} onChange={setName} problem={problem('name')} />
          <TextField label={t('login.password')} value={password} onChange={setPassword} problem={problem('password')} password="new-password" />
          <RoleField value={role} most="admin" onChange={setRole} problem={problem('role')} />
        </>
      )}
    </FormDialog>
  );
}

function ChangeUser({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useI18n();
  const [role, setRole] = useState(user.role);
  const [disabled, setDisabled] = useState(user.disabled);
  const [password, setPassword] = useState('');
  const send = () =>
    ask(
      api.PATCH('/api/v1/users/{name}', {
        params: { path: { name: user.name }, header: { 'If-Match': `"${user.revision}"` } },
        body: { role, disabled, ...(password === '' ? {} : { password }) },
      }),
    );
  return (
    <FormDialog
      title={t('users.change.named', { name: user.name })}
      submit={t('users.change.submit')}
      changes={usersQuery.queryKey}
      send={send}
      onDone={onClose}
      onClose={onClose}
    >
      {(problem) => (
        <>
          <p>{t('users.change.text')}</p>
          <RoleField value={role} most="admin" onChange={setRole} problem={problem('role')} />
          <label className="inline-flex min-h-9 items-center gap-2">
            <input type="checkbox" checked={disabled} onChange={(event) => setDisabled(event.target.checked)} />
            {t('users.disable')}
          </label>
          <TextField
            label={t('users.newPassword')}
            hint={t('users.newPassword.hint')}
            value={password}
            onChange={setPassword}
            problem={problem('password')}
            password="new-password"
          />
        </>
      )}
    </FormDialog>
  );
}

function DeleteUser({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useI18n();
  return (
    <FormDialog
      title={t('users.delete.named', { name: user.name })}
      submit={t('users.delete')}
      danger
      changes={[]}
      send={() => ask(api.DELETE('/api/v1/users/{name}', { params: { path: { name: user.name } } }))}
      onDone={onClose}
      onClose={onClose}
    >
      {() => <p>{t('users.delete.text')}</p>}
    </FormDialog>
  );
}
