// The uploads that run or have failed here, and those that broke off elsewhere or before this page was loaded.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import { imageUploadsQuery } from '@/api/queries';
import type { ImageUpload } from '@/api/types';
import { useStore } from '@/app/store';
import { formatBytes, percent } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { ErrorMessage, useErrorText } from '@/ui/message';
import { ProgressBar } from '@/ui/progress-bar';
import { cancelUpload, retryUpload, type Upload, uploads } from './uploads';

export function UploadList({ reason }: { reason: string | null }) {
  const { t } = useI18n();
  const shown = useStore(uploads);
  const parts = useQuery(imageUploadsQuery).data ?? [];
  const broken = parts.filter((part) => !part.under_way && shown.every(({ name }) => name !== part.name));
  if (shown.length + broken.length === 0) return null;
  return (
    <ul aria-label={t('upload.list')} className="divide-y divide-line border-b border-line bg-sunken">
      {shown.map((upload) => (
        <UploadRow key={upload.name} upload={upload} />
      ))}
      {broken.map((part) => (
        <BrokenRow key={part.name} part={part} reason={reason} />
      ))}
    </ul>
  );
}

/** It goes on when the same file is chosen again. */
function BrokenRow({ part, reason }: { part: ImageUpload; reason: string | null }) {
  const { t, language } = useI18n();
  const cache = useQueryClient();
  const discard = useMutation({
    mutationFn: () => ask(api.DELETE('/api/v1/image-uploads/{name}', { params: { path: { name: part.name } } })),
    onSettled: () => cache.invalidateQueries({ queryKey: imageUploadsQuery.queryKey }),
  });
  const text = t('upload.broken', {
    percent: percent(part.received_bytes, part.total_bytes),
    total: formatBytes(part.total_bytes, language),
  });
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 p-4 text-sm">
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium [overflow-wrap:anywhere]">{part.name}</p>
        <p className="text-muted">{text}</p>
        <ErrorMessage error={discard.error} title={t('upload.discard.failed', { name: part.name })} />
      </div>
      <Button busy={discard.isPending} disabledReason={reason} onClick={() => discard.mutate()}>
        {t('upload.discard')} <span className="sr-only">{part.name}</span>
      </Button>
    </li>
  );
}

function UploadRow({ upload }: { upload: Upload }) {
  const { t, language } = useI18n();
  const errorText = useErrorText();
  const { name, sentBytes, totalBytes, error } = upload;
  const share = percent(sentBytes, totalBytes);
  const progress = t(share === 100 ? 'upload.finishing' : 'upload.progress', {
    percent: share,
    sent: formatBytes(sentBytes, language),
    total: formatBytes(totalBytes, language),
  });
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 p-4 text-sm">
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium [overflow-wrap:anywhere]">{name}</p>
        {error === null ? (
          <>
            <ProgressBar label={t('upload.of', { name })} share={share} />
            <p className="text-xs text-muted tabular-nums">{progress}</p>
          </>
        ) : (
          <p role="alert" className="text-danger">{t('upload.failed', { detail: errorText(error) })}</p>
        )}
      </div>
      {error !== null && <Button onClick={() => retryUpload(name)}>{t('action.retry')}</Button>}
      <Button
        onClick={() => cancelUpload(name)}
        aria-label={t(error === null ? 'upload.cancel.named' : 'upload.dismiss.named', { name })}
      >
        {t(error === null ? 'action.cancel' : 'action.dismiss')}
      </Button>
    </li>
  );
}
