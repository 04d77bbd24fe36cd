// The question before another version is started: what happens, what goes with it, and when.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { vmsQuery } from '@/api/queries';
import type { Slot } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { ErrorMessage } from '@/ui/message';
import { type StartAction, useStart } from './actions';

type Props = { action: StartAction; running: Slot; slot: Slot; onClose: () => void };

/** Asks before the host starts the version in `slot` in place of the running one. */
export function StartDialog({ action, running, slot, onClose }: Props) {
  const { t } = useI18n();
  const [now, setNow] = useState(true);
  const start = useStart(action, slot);
  const vms = useQuery(vmsQuery).data;
  const values = { version: slot.version ?? slot.name, slot: slot.name, from: running.version ?? running.name };
  const givesUp = action === 'rollback' && slot.confirmed;
  const count = vms === undefined ? '?' : vms.filter((vm) => vm.state !== 'off').length;
  return (
    <Dialog title={t(`updates.${action}.title`, values)} onClose={onClose} locked={start.isPending}>
      <div className="space-y-4 text-sm">
        <p>{t(givesUp ? 'updates.rollback.trial' : 'updates.apply.text', values)}</p>
        <p>{t('updates.vms', { count })}</p>
        <fieldset>
          <legend className="mb-1.5 font-medium">{t('updates.when')}</legend>
          <When label={t('updates.now')} checked={now} onChoose={() => setNow(true)} />
          <When label={t('updates.later')} checked={!now} onChoose={() => setNow(false)} />
        </fieldset>
        <ErrorMessage error={start.error} title={t(`updates.${action}.failed`, values)} />
      </div>
      <DialogButtons>
        <Button data-initial-focus onClick={onClose}>{t('action.cancel')}</Button>
        <Button variant="primary" busy={start.isPending} onClick={() => start.mutate(now, { onSuccess: onClose })}>
          {t(now ? 'updates.now' : 'updates.later.submit')}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}

function When({ label, checked, onChoose }: { label: string; checked: boolean; onChoose: () => void }) {
  return (
    <label className="flex min-h-8 items-center gap-2.5">
      <input type="radio" name="when" className="size-4 accent-accent" checked={checked} onChange={onChoose} />
      {label}
    </label>
  );
}
