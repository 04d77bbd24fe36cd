// The uploads that run or have failed.
import { useStore } from '@/app/store';
import { formatBytes, percent } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { useErrorText } from '@/ui/message';
import { ProgressBar } from '@/ui/progress-bar';
import { cancelUpload, retryUpload, type Upload, uploads } from './uploads';

export function UploadList() {
  const { t } = useI18n();
  const shown = useStore(uploads);
  if (shown.length === 0) return null;
  return (
    <ul aria-label={t('upload.list')} className="divide-y divide-line border-b border-line bg-sunken">
      {shown.map((upload) => (
        <UploadRow key={upload.name} upload={upload} />
      ))}
    </ul>
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
