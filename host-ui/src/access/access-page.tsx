// Who may use the host: one's own password, users, API tokens, and the record of what they did.
import { useState } from 'react';
import { api, ask } from '@/api/client';
import { PageTitle } from '@/app/page-title';
import { useI18n } from '@/i18n/i18n';
import { useSession } from '@/session/store';
import { Button } from '@/ui/button';
import { FormDialog, TextField } from '@/ui/form-dialog';
import { notify } from '@/ui/notices';
import { AuditCard } from './audit';
import { TokensCard } from './tokens';
import { UsersCard } from './users';

export function AccessPage() {
  const { t } = useI18n();
  const session = useSession();
  if (session === null) return null;
  const admin = session.role === 'admin';
  return (
    <>
      <PageTitle page={t('nav.access')} />
      <h1 className="sr-only">{t('nav.access')}</h1>
      {session.username !== 'root' && <OwnAccount name={session.username} />}
      {admin && <UsersCard own={session.username} />}
      <TokensCard role={session.role} />
      {admin && <AuditCard />}
    </>
  );
}

function OwnAccount({ name }: { name: string }) {
  const { t } = useI18n();
  const [open, setOpen] = useState(false);
  return (
    <section className="card flex flex-wrap items-center gap-3 p-4" aria-label={t('account.title')}>
      <p className="text-sm">{t('account.text', { name })}</p>
      <Button className="ml-auto" onClick={() => setOpen(true)}>{t('account.password')}</Button>
      {open && <PasswordDialog onClose={() => setOpen(false)} />}
    </section>
  );
}

function PasswordDialog({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const [current, setCurrent] = useState('');
  const [wanted, setWanted] = useState('');
  const done = () => {
    notify({ tone: 'good', title: t('account.password.done') });
    onClose();
  };
  return (
    <FormDialog
      title={t('account.password')}
      submit={t('account.password')}
      send={() => ask(api.POST('/api/v1/session/password', { body: { current_password: current, new_password: wanted } }))}
      onDone={done}
      onClose={onClose}
    >
      {(problem) => (
        <>
          <TextField first label={t('account.password.current')} value={current} onChange={setCurrent} problem={problem('current_password')} password="current-password" />
          <TextField label={t('account.password.new')} value={wanted} onChange={setWanted} problem={problem('new_password')} password="new-password" />
        </>
      )}
    </FormDialog>
  );
}
