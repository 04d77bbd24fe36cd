// Where a new version comes in: choosing a bundle, how far it is, and what became of it.
import { type DragEvent, type ReactNode, useRef, useState } from 'react';
import type { Role, Slot, Transfer, Updates } from '@/api/types';
import { useStore } from '@/app/store';
import { asSentence, formatBytes } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';
import { Button } from '@/ui/button';
import { cx } from '@/ui/cx';
import { UploadIcon } from '@/ui/icons';
import { ErrorMessage, Message } from '@/ui/message';
import { useRestarting } from './actions';
import { DiscardButton, Progress } from './progress';
import { isActive, otherSlot, whyNot } from './rules';
import { type BundleUpload, bundleUpload, dismissBundle, isSending, startBundle } from './upload';

type Props = { updates: Updates; readAt: number; role: Role };

export function UploadCard({ updates, readAt, role }: Props) {
  const { t } = useI18n();
  const upload = useStore(bundleUpload);
  const restarting = useRestarting();
  const { transfer } = updates;
  const key = whyNot('upload', updates, role);
  const why = restarting === null ? key && t(key) : t('updates.restarting', { version: restarting });
  const cancelKey = whyNot('cancel', updates, role);
  const discardReason = cancelKey && t(cancelKey);
  const underWay = isSending(upload) || isActive(transfer);
  return (
    <DropArea enabled={!underWay && why === null}>
      <h2 id="bundle-heading" className="font-semibold">{t('bundle.title')}</h2>
      {underWay ? (
        <Progress updates={updates} readAt={readAt} upload={isSending(upload) ? upload : null} role={role} />
      ) : (
        <>
          <Outcome upload={upload} transfer={transfer} slot={otherSlot(updates)} />
          {(why !== null || transfer?.state !== 'interrupted') && <Hint slot={otherSlot(updates)} reason={why} />}
          <div className="flex flex-wrap gap-2">
            <AgainButtons upload={upload} transfer={transfer} reason={why} />
            <ChooseButton reason={why} />
            {discardable(upload, transfer, otherSlot(updates)) && <DiscardButton label={t('updates.discard')} reason={discardReason} />}
          </div>
        </>
      )}
    </DropArea>
  );
}

/** Whether there is something to be thrown away: what broke off, was refused, or was written and not started. */
function discardable(upload: BundleUpload | null, transfer: Transfer | null, slot: Slot | undefined): boolean {
  if (upload?.state === 'failed') return false;
  return transfer?.state === 'done' ? isReady(transfer, slot) : transfer !== null;
}

/** Whether the other slot holds what was just written, and nothing was decided about it yet. */
const isReady = (transfer: Transfer, slot: Slot | undefined): boolean =>
  slot?.state === 'good' && slot.version === transfer.version && slot.tries_left === null;

function DropArea({ enabled, children }: { enabled: boolean; children: ReactNode }) {
  const [over, setOver] = useState(false);
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (enabled && file !== undefined) void startBundle(file);
  };
  const onDragOver = (event: DragEvent) => {
    event.preventDefault();
    setOver(enabled);
  };
  return (
    <section
      aria-labelledby="bundle-heading"
      className={cx('card space-y-3 p-4 text-sm sm:p-5', over && 'outline-2 outline-accent outline-dashed')}
      onDragOver={onDragOver}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      {children}
    </section>
  );
}

function Hint({ slot, reason }: { slot: Slot | undefined; reason: string | null }) {
  const { t } = useI18n();
  const held = slot?.state === 'good' ? slot.version : null;
  if (reason !== null) return <p className="text-muted">{reason}</p>;
  return (
    <p className="text-muted">
      {t('bundle.hint', { slot: slot?.name ?? '?' })}
      {held !== null && ` ${t('bundle.replaces', { version: held })}`}
    </p>
  );
}

function ChooseButton({ reason }: { reason: string | null }) {
  const { t } = useI18n();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        accept=".qxu"
        hidden
        aria-label={t('bundle.choose')}
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file !== undefined) void startBundle(file);
          event.target.value = '';
        }}
      />
      <Button icon={<UploadIcon />} disabledReason={reason} onClick={() => input.current?.click()}>
        {t('bundle.choose')}
      </Button>
    </>
  );
}

type AgainProps = { upload: BundleUpload | null; transfer: Transfer | null; reason: string | null };

/** The same file once more, while this page still has it. */
function AgainButtons({ upload, transfer, reason }: AgainProps) {
  const { t } = useI18n();
  if (upload?.state !== 'failed' && (upload === null || transfer?.state !== 'interrupted')) return null;
  const failed = upload.state === 'failed';
  return (
    <>
      <Button variant={reason === null ? 'primary' : 'secondary'} disabledReason={reason} onClick={() => void startBundle(upload.file)}>
        {t(failed ? 'action.retry' : 'bundle.goOn')}
      </Button>
      {failed && <Button onClick={dismissBundle}>{t('action.dismiss')}</Button>}
    </>
  );
}

const failures = {
  upload: 'bundle.failed',
  reinstall: 'bundle.reinstall.failed',
  feed: 'feed.fetch.failed',
} as const satisfies Record<Transfer['source'], MessageKey>;

type OutcomeProps = { upload: BundleUpload | null; transfer: Transfer | null; slot: Slot | undefined };

/** What became of the last bundle; nothing when there was none. */
function Outcome({ upload, transfer, slot }: OutcomeProps) {
  const { t } = useI18n();
  if (upload?.state === 'failed') {
    return (
      <>
        <ErrorMessage error={upload.error} title={t('bundle.failed')} />
        <p>{t('bundle.untouched')}</p>
      </>
    );
  }
  switch (transfer?.state) {
    case 'failed':
      return (
        <Message tone="danger" live title={t(failures[transfer.source])}>
          {transfer.problem !== null && <p>{asSentence(transfer.problem)}</p>}
          <p>{t('bundle.untouched')}</p>
        </Message>
      );
    case 'interrupted':
      return <Interrupted transfer={transfer} />;
    case 'done':
      if (slot === undefined || !isReady(transfer, slot)) return null;
      return (
        <Message tone="info" title={t('bundle.done', { version: transfer.version ?? slot.name })}>
          {t(transfer.source === 'reinstall' ? 'bundle.reinstall.done' : 'bundle.done.text', { slot: slot.name })}
        </Message>
      );
    default:
      return null;
  }
}

function Interrupted({ transfer }: { transfer: Transfer }) {
  const { t, language } = useI18n();
  const sent = formatBytes(transfer.received_bytes, language);
  const total = transfer.total_bytes === null ? '?' : formatBytes(transfer.total_bytes, language);
  return (
    <Message tone="warn" title={t('bundle.interrupted', { sent, total })}>
      {t('bundle.interrupted.text')}
    </Message>
  );
}
