// The host's configuration as a whole: a copy of it, another one in its place, or none.
import { type ReactNode, useState } from 'react';
import type { Role } from '@/api/types';
import { PageTitle } from '@/app/page-title';
import { asSentence, formatTime } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { useSession } from '@/session/store';
import { Button } from '@/ui/button';
import { Message } from '@/ui/message';
import { useRestart } from './actions';
import { BackupDialog } from './backup-dialog';
import { ResetDialog } from './reset-dialog';
import { RestoreChooser } from './restore';

export function ConfigurationPage() {
  const session = useSession();
  const { t } = useI18n();
  if (session === null) return null;
  return (
    <>
      <PageTitle page={t('nav.configuration')} />
      <ConfigurationContent role={session.role} />
    </>
  );
}

export function ConfigurationContent({ role }: { role: Role }) {
  const { t } = useI18n();
  const [open, setOpen] = useState<'backup' | 'reset' | null>(null);
  const restart = useRestart();
  const notAdmin = role === 'admin' ? null : t('configuration.admin');
  const reason = restart === null ? notAdmin : t('configuration.restarting');
  const close = () => setOpen(null);
  return (
    <>
      <h1 className="sr-only">{t('nav.configuration')}</h1>
      <Restarting />
      <div className="grid gap-4 md:grid-cols-2">
        <Card title={t('backup.title')} text={[t('backup.text'), t('backup.without')]}>
          <Button disabledReason={reason} onClick={() => setOpen('backup')}>{t('backup.open')}</Button>
        </Card>
        <Card title={t('restore.title')} text={[t('restore.text'), t('restore.undo')]}>
          <RestoreChooser disabledReason={reason} />
        </Card>
        <Card title={t('reset.title')} text={[t('reset.text')]}>
          <Button variant="danger" disabledReason={reason} onClick={() => setOpen('reset')}>{t('reset.open')}</Button>
        </Card>
      </div>
      {open === 'backup' && <BackupDialog onClose={close} />}
      {open === 'reset' && <ResetDialog onClose={close} />}
    </>
  );
}

function Card({ title, text, children }: { title: string; text: readonly string[]; children: ReactNode }) {
  return (
    <section className="card flex flex-col items-start gap-3 p-4 text-sm sm:p-5" aria-label={title}>
      <h2 className="font-semibold">{title}</h2>
      {text.map((paragraph) => <p key={paragraph} className="text-muted">{paragraph}</p>)}
      <div className="mt-auto pt-1">{children}</div>
    </section>
  );
}

/** What the host comes back as, and where to look for it. */
function Restarting() {
  const { t, language } = useI18n();
  const restart = useRestart();
  return (
    <div role="status" className="empty:sr-only">
      {restart?.kind === 'reset' && (
        <Message tone="info" title={t('reset.done')}>{t('reset.done.text')}</Message>
      )}
      {restart?.kind === 'restore' && (
        <Message tone="info" title={t('restore.done', { host: restart.done.hostname })}>
          <p>
            {t('restore.done.from', {
              host: restart.done.made_by,
              time: formatTime(new Date(restart.done.made_at), language),
              version: restart.done.version,
            })}
          </p>
          <p>{t('restore.done.signed', { key: restart.done.signed_by })}</p>
          {restart.done.notes.map((note) => <p key={note}>{asSentence(note)}</p>)}
          <p>{t('restore.done.text')}</p>
        </Message>
      )}
    </div>
  );
}
