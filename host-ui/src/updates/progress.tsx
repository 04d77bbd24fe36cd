// A bundle on its way: how much of it is done, how fast, how long still.
import { useState } from 'react';
import type { Role, Transfer, Updates } from '@/api/types';
import { formatBytes, formatDuration } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import type { Translate } from '@/i18n/translate';
import { Button } from '@/ui/button';
import { ProgressBar } from '@/ui/progress-bar';
import { useDiscard } from './actions';
import { Rate, secondsLeft } from './rate';
import { isActive, whyNot } from './rules';
import { type BundleUpload, cancelBundle } from './upload';

type Props = {
  updates: Updates;
  readAt: number;
  /** The upload of this browser; `null` when the bundle comes from elsewhere. */
  upload: BundleUpload | null;
  role: Role;
};

export function Progress({ updates, readAt, upload, role }: Props) {
  const { t, language } = useI18n();
  const transfer = isActive(updates.transfer) ? updates.transfer : null;
  const speed = useSpeed(transfer, readAt);
  // The daemon's figure, because it counts both halves: writing and reading back.
  const share = transfer?.percent ?? 0;
  const parts = [`${share} %`, ...details(transfer, upload, speed, language, t)];
  const cancelKey = whyNot('cancel', updates, role);
  return (
    <>
      <div>
        <p className="font-medium [overflow-wrap:anywhere]">{title(transfer, upload, t)}</p>
        <ProgressBar label={t('bundle.title')} share={share} />
        <p className="text-muted tabular-nums">{parts.join(' · ')}</p>
      </div>
      <p role="status" className="text-warn empty:sr-only">{upload?.state === 'waiting' && t('bundle.waiting')}</p>
      {upload === null ? (
        <DiscardButton label={t('action.cancel')} reason={cancelKey === null ? null : t(cancelKey)} />
      ) : (
        <div className="flex flex-wrap items-center gap-3">
          <Button disabledReason={cancelKey === null ? null : t(cancelKey)} onClick={cancelBundle}>
            {t('action.cancel')}
          </Button>
          {transfer?.state !== 'verifying' && <p className="text-muted">{t('bundle.keepOpen')}</p>}
        </div>
      )}
    </>
  );
}

/** Ends the transfer, or forgets it. */
export function DiscardButton({ label, reason }: { label: string; reason: string | null }) {
  const discard = useDiscard();
  return (
    <Button busy={discard.isPending} disabledReason={reason} onClick={() => discard.mutate()}>
      {label}
    </Button>
  );
}

function title(transfer: Transfer | null, upload: BundleUpload | null, t: Translate): string {
  if (transfer?.state === 'verifying') return t('bundle.verifying');
  if (upload === null && transfer?.source === 'reinstall') return t('bundle.reinstall', { version: transfer.version ?? '…' });
  if (upload === null && transfer?.source === 'feed') return t('bundle.feed', { version: transfer.version ?? '…' });
  if (upload === null) return t('bundle.receiving');
  return upload.sentBytes < upload.file.size ? t('bundle.sending', { name: upload.file.name }) : t('upload.finishing');
}

type Speed = { bytes: number | null; percent: number | null };

/** Growth a second of what the daemon tells, by when it was read. */
function useSpeed(transfer: Transfer | null, readAt: number): Speed {
  const [bytes] = useState(() => new Rate());
  const [percent] = useState(() => new Rate());
  if (transfer === null) return { bytes: null, percent: null };
  // Rendering twice changes nothing: one point in time is taken in once.
  bytes.add(transfer.received_bytes, readAt);
  percent.add(transfer.percent, readAt);
  return { bytes: bytes.perSecond(), percent: percent.perSecond() };
}

/** Bytes, speed and remaining time, as far as they are known. */
function details(transfer: Transfer | null, upload: BundleUpload | null, speed: Speed, language: string, t: Translate): string[] {
  const size = (bytes: number) => formatBytes(bytes, language);
  const sent = upload?.sentBytes ?? transfer?.received_bytes ?? 0;
  const total = upload?.file.size ?? transfer?.total_bytes ?? null;
  const perSecond = upload === null ? speed.bytes : upload.bytesPerSecond;
  const reading = transfer?.state === 'verifying';
  const parts: string[] = [];
  if (!reading && total !== null) parts.push(t('bundle.of', { sent: size(sent), total: size(total) }));
  if (!reading && perSecond !== null && sent !== total) parts.push(`${size(perSecond)}/s`);
  if (upload?.state === 'waiting') return parts;
  const bySending = total === null ? null : secondsLeft(sent, total, perSecond);
  const left = secondsLeft(transfer?.percent ?? 0, 100, speed.percent) ?? (reading ? null : bySending);
  if (left !== null) parts.push(t('bundle.left', { time: formatDuration(left, language) }));
  return parts;
}
