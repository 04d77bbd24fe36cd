// Writing the running version to the other slot once more, after a question that says what it overwrites.
import { useState } from 'react';
import type { Slot } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { ErrorMessage } from '@/ui/message';
import { useReinstall } from './actions';

type Props = { running: Slot; slot: Slot; reason: string | null };

export function ReinstallButton({ running, slot, reason }: Props) {
  const { t } = useI18n();
  const [asking, setAsking] = useState(false);
  const version = running.version ?? running.name;
  return (
    <>
      <Button disabledReason={reason} onClick={() => setAsking(true)}>
        {t('updates.reinstall', { version })}
      </Button>
      {asking && <Question version={version} slot={slot} onClose={() => setAsking(false)} />}
    </>
  );
}

function Question({ version, slot, onClose }: { version: string; slot: Slot; onClose: () => void }) {
  const { t } = useI18n();
  const reinstall = useReinstall();
  const values = { version, slot: slot.name };
  return (
    <Dialog title={t('updates.reinstall.title', values)} onClose={onClose} locked={reinstall.isPending}>
      <div className="space-y-4 text-sm">
        <p>{t('updates.reinstall.text', values)}</p>
        {slot.state === 'good' && <p>{t('bundle.replaces', { version: slot.version ?? slot.name })}</p>}
        <ErrorMessage error={reinstall.error} title={t('updates.reinstall.failed', values)} />
      </div>
      <DialogButtons>
        <Button data-initial-focus onClick={onClose}>{t('action.cancel')}</Button>
        <Button variant="primary" busy={reinstall.isPending} onClick={() => reinstall.mutate(undefined, { onSuccess: onClose })}>
          {t('updates.reinstall.submit')}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
