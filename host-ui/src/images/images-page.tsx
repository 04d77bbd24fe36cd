// The image library: what is in it, uploads into it, deleting from it.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type DragEvent, type ReactNode, useRef, useState } from 'react';
import { api, ask } from '@/api/client';
import { imagesQuery } from '@/api/queries';
import type { Image, Role } from '@/api/types';
import { PageTitle } from '@/app/page-title';
import { formatBytes } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { useSession } from '@/session/store';
import { Button } from '@/ui/button';
import { cx } from '@/ui/cx';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { DiscIcon, TrashIcon, UploadIcon } from '@/ui/icons';
import { ErrorMessage, LoadError, Loading, Placeholder } from '@/ui/message';
import { notify } from '@/ui/notices';
import { roleReason } from '@/vms/rules';
import { UploadList } from './upload-list';
import { startUpload } from './uploads';

export function ImagesPage() {
  const session = useSession();
  const { t } = useI18n();
  if (session === null) return null;
  return (
    <>
      <PageTitle page={t('images.title')} />
      <Library role={session.role} />
    </>
  );
}

function Library({ role }: { role: Role }) {
  const { t } = useI18n();
  const images = useQuery(imagesQuery);
  const [deleting, setDeleting] = useState<Image | null>(null);
  const denied = roleReason(role);
  const reason = denied === null ? null : t(denied);
  const upload = <UploadButton reason={reason} />;
  return (
    <DropArea enabled={denied === null}>
      <div className="flex flex-wrap items-center gap-3 border-b border-line p-4">
        <h1 className="text-base font-semibold">{t('images.title')}</h1>
        {images.data !== undefined && <p className="text-sm text-muted">{t('images.count', { count: images.data.length })}</p>}
        <div className="ml-auto">{upload}</div>
      </div>
      <UploadList reason={reason} />
      {images.isPending && <Loading label={t('images.loading')} />}
      {images.isError && <LoadError error={images.error} what={t('images.what')} retry={() => void images.refetch()} />}
      {images.isSuccess && images.data.length === 0 && (
        <Placeholder icon={<DiscIcon />} title={t('images.empty.title')} action={upload}>
          {t('images.empty.text')}
        </Placeholder>
      )}
      {images.isSuccess && images.data.length > 0 && (
        <ImageTable images={images.data} reason={reason} onDelete={setDeleting} />
      )}
      {deleting !== null && <DeleteImageDialog image={deleting} onClose={() => setDeleting(null)} />}
    </DropArea>
  );
}

function DropArea({ enabled, children }: { enabled: boolean; children: ReactNode }) {
  const { t } = useI18n();
  const [over, setOver] = useState(false);
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (enabled) for (const file of event.dataTransfer.files) void startUpload(file);
  };
  const onDragOver = (event: DragEvent) => {
    event.preventDefault();
    setOver(enabled);
  };
  return (
    <section
      aria-label={t('images.title')}
      className={cx('card', over && 'outline-2 outline-accent outline-dashed')}
      onDragOver={onDragOver}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      {children}
    </section>
  );
}

function UploadButton({ reason }: { reason: string | null }) {
  const { t } = useI18n();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t('images.upload')}
        onChange={(event) => {
          for (const file of event.target.files ?? []) void startUpload(file);
          event.target.value = '';
        }}
      />
      <Button variant="primary" icon={<UploadIcon />} disabledReason={reason} onClick={() => input.current?.click()}>
        {t('images.upload')}
      </Button>
    </>
  );
}

type TableProps = { images: readonly Image[]; reason: string | null; onDelete: (image: Image) => void };

function ImageTable({ images, reason, onDelete }: TableProps) {
  const { t, language } = useI18n();
  const heading = 'px-4 py-2 font-medium';
  return (
    <table className="w-full text-sm">
      <thead>
        <tr className="text-left text-xs text-muted">
          <th scope="col" className={heading}>{t('image.name')}</th>
          <th scope="col" className={cx(heading, 'hidden sm:table-cell')}>{t('image.format')}</th>
          <th scope="col" className={cx(heading, 'text-right')}>{t('image.size')}</th>
          <th scope="col" className={heading}><span className="sr-only">{t('vm.actions')}</span></th>
        </tr>
      </thead>
      <tbody>
        {images.map((image) => (
          <tr key={image.name} className="border-t border-line">
            <td className="px-4 py-2.5 font-medium [overflow-wrap:anywhere]">{image.name}</td>
            <td className="hidden px-4 py-2.5 sm:table-cell">{image.format}</td>
            <td className="px-4 py-2.5 text-right whitespace-nowrap tabular-nums">{formatBytes(image.size_bytes, language)}</td>
            <td className="w-px px-4 py-1.5">
              <Button
                variant="quiet"
                icon={<TrashIcon />}
                disabledReason={reason}
                onClick={() => onDelete(image)}
                aria-label={t('image.delete.named', { name: image.name })}
              >
                <span className="hidden sm:inline">{t('image.delete')}</span>
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function DeleteImageDialog({ image, onClose }: { image: Image; onClose: () => void }) {
  const { t, language } = useI18n();
  const cache = useQueryClient();
  const remove = useMutation({
    mutationFn: () => ask(api.DELETE('/api/v1/images/{name}', { params: { path: { name: image.name } } })),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: imagesQuery.queryKey });
      notify({ tone: 'good', title: t('image.delete.done', { name: image.name }) });
      onClose();
    },
  });
  return (
    <Dialog title={t('image.delete.title', { name: image.name })} onClose={onClose} locked={remove.isPending}>
      <div className="space-y-4 text-sm">
        <p>{t('image.delete.text', { size: formatBytes(image.size_bytes, language) })}</p>
        <ErrorMessage error={remove.error} title={t('image.delete.failed', { name: image.name })} />
      </div>
      <DialogButtons>
        <Button data-initial-focus onClick={onClose}>{t('action.cancel')}</Button>
        <Button variant="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
          {t('image.delete')}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
