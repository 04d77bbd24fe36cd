// The volumes of one pool: what there is, who has it, and what can be done to it.
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { volumesQuery } from '@/api/queries';
import type { Pool, Role, Volume } from '@/api/types';
import { useStore } from '@/app/store';
import { formatBytes, percent } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { cx } from '@/ui/cx';
import { PlusIcon, TrashIcon, UploadIcon } from '@/ui/icons';
import { LoadError, Loading, useErrorText } from '@/ui/message';
import { ProgressBar } from '@/ui/progress-bar';
import { contentPath, createReason, deleteVolumeReason, idleReason, names, uploadReason } from './rules';
import { dropUpload, uploadTo, volumeUploads } from './uploads';
import { CloneDialog, CreateVolumeDialog, DeleteVolumeDialog, ResizeDialog } from './volume-dialogs';

type Props = { pool: Pool; pools: readonly Pool[]; role: Role };
type Open = { kind: 'create' } | { kind: 'clone' | 'resize' | 'delete'; volume: Volume } | null;

export function Volumes({ pool, pools, role }: Props) {
  const { t } = useI18n();
  const volumes = useQuery(volumesQuery(pool.id));
  const [open, setOpen] = useState<Open>(null);
  const reasons = { create: createReason(pool, role), upload: uploadReason(pool, role) };
  const close = () => setOpen(null);
  return (
    <div className="border-t border-line">
      <div className="flex flex-wrap items-center gap-2 px-4 py-3">
        <h3 className="text-sm font-semibold">{t('volumes.title')}</h3>
        <div className="ml-auto flex flex-wrap gap-2">
          <UploadButton pool={pool} reason={reasons.upload && t(reasons.upload)} />
          <Button
            icon={<PlusIcon />}
            disabledReason={reasons.create && t(reasons.create)}
            aria-label={t('volume.create.named', { name: pool.name })}
            onClick={() => setOpen({ kind: 'create' })}
          >
            {t('volume.create')}
          </Button>
        </div>
      </div>
      <Uploads pool={pool} />
      {volumes.isPending && <Loading label={t('volumes.loading')} />}
      {volumes.isError && <LoadError error={volumes.error} what={t('volumes.what')} retry={() => void volumes.refetch()} />}
      {volumes.isSuccess && volumes.data.length === 0 && <p className="px-4 pb-4 text-sm text-muted">{t('volumes.empty')}</p>}
      {volumes.isSuccess && volumes.data.length > 0 && <Table volumes={volumes.data} role={role} open={setOpen} />}
      {open?.kind === 'create' && <CreateVolumeDialog pool={pool} onClose={close} />}
      {open?.kind === 'clone' && <CloneDialog volume={open.volume} pools={pools} onClose={close} />}
      {open?.kind === 'resize' && <ResizeDialog volume={open.volume} onClose={close} />}
      {open?.kind === 'delete' && <DeleteVolumeDialog volume={open.volume} onClose={close} />}
    </div>
  );
}

function Table({ volumes, role, open }: { volumes: readonly Volume[]; role: Role; open: (open: Open) => void }) {
  const { t } = useI18n();
  const heading = 'px-4 py-2 font-medium';
  return (
    <table className="w-full text-sm">
      <thead>
        <tr className="text-left text-xs text-muted">
          <th scope="col" className={heading}>{t('volume.name')}</th>
          <th scope="col" className={cx(heading, 'hidden sm:table-cell')}>{t('volume.format')}</th>
          <th scope="col" className={cx(heading, 'text-right')}>{t('volume.size')}</th>
          <th scope="col" className={cx(heading, 'hidden text-right sm:table-cell')}>{t('volume.takes')}</th>
          <th scope="col" className={heading}><span className="sr-only">{t('vm.actions')}</span></th>
        </tr>
      </thead>
      <tbody>
        {volumes.map((volume) => (
          <Row key={volume.name} volume={volume} role={role} open={open} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ volume, role, open }: { volume: Volume; role: Role; open: (open: Open) => void }) {
  const { t, language } = useI18n();
  const { name } = volume;
  const idle = idleReason(volume, role);
  const remove = deleteVolumeReason(volume, role);
  const idleText = idle && t(idle);
  return (
    <tr className="border-t border-line align-top">
      <td className="px-4 py-2.5 [overflow-wrap:anywhere]">
        <p className="font-medium">{name}</p>
        {volume.used_by.length > 0 && <p className="text-xs text-muted">{t('volume.users', { names: names(volume.used_by) })}</p>}
        {volume.backing !== null && <p className="text-xs text-danger">{t('volume.backing', { file: volume.backing })}</p>}
      </td>
      <td className="hidden px-4 py-2.5 sm:table-cell">{volume.format}</td>
      <td className="px-4 py-2.5 text-right whitespace-nowrap tabular-nums">{formatBytes(volume.capacity_bytes, language)}</td>
      <td className="hidden px-4 py-2.5 text-right whitespace-nowrap tabular-nums sm:table-cell">
        {formatBytes(volume.allocation_bytes, language)}
      </td>
      <td className="px-4 py-1.5">
        <div className="flex flex-wrap justify-end gap-1">
          <Button
            variant="quiet"
            disabledReason={idleText}
            aria-label={t('volume.download.named', { name })}
            onClick={() => location.assign(contentPath(volume))}
          >
            {t('volume.download')}
          </Button>
          <Button
            variant="quiet"
            disabledReason={idleText}
            aria-label={t('volume.clone.named', { name })}
            onClick={() => open({ kind: 'clone', volume })}
          >
            {t('volume.clone')}
          </Button>
          <Button
            variant="quiet"
            disabledReason={idleText}
            aria-label={t('volume.resize.named', { name })}
            onClick={() => open({ kind: 'resize', volume })}
          >
            {t('volume.resize')}
          </Button>
          <Button
            variant="quiet"
            icon={<TrashIcon />}
            disabledReason={remove && t(remove)}
            aria-label={t('volume.delete.named', { name })}
            onClick={() => open({ kind: 'delete', volume })}
          >
            {t('volume.delete')}
          </Button>
        </div>
      </td>
    </tr>
  );
}

function UploadButton({ pool, reason }: { pool: Pool; reason: string | null }) {
  const { t } = useI18n();
  const input = useRef<HTMLInputElement>(null);
  const label = t('volume.upload.named', { name: pool.name });
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={label}
        onChange={(event) => {
          for (const file of event.target.files ?? []) void uploadTo(pool.id, file);
          event.target.value = '';
        }}
      />
      <Button icon={<UploadIcon />} disabledReason={reason} aria-label={label} onClick={() => input.current?.click()}>
        {t('volume.upload')}
      </Button>
    </>
  );
}

/** What is on its way to this pool, or did not arrive. */
function Uploads({ pool }: { pool: Pool }) {
  const { t, language } = useI18n();
  const errorText = useErrorText();
  const shown = useStore(volumeUploads).filter((upload) => upload.pool === pool.id);
  if (shown.length === 0) return null;
  return (
    <ul aria-label={t('upload.list')} className="divide-y divide-line border-y border-line bg-sunken">
      {shown.map(({ name, sentBytes, totalBytes, error }) => {
        const share = percent(sentBytes, totalBytes);
        const sizes = { percent: share, sent: formatBytes(sentBytes, language), total: formatBytes(totalBytes, language) };
        return (
          <li key={name} className="flex flex-wrap items-center gap-x-4 gap-y-2 p-4 text-sm">
            <div className="min-w-0 flex-1 basis-56">
              <p className="font-medium [overflow-wrap:anywhere]">{name}</p>
              {error === null ? (
                <>
                  <ProgressBar label={t('upload.of', { name })} share={share} />
                  <p className="text-xs text-muted tabular-nums">{t(share === 100 ? 'upload.finishing' : 'upload.progress', sizes)}</p>
                </>
              ) : (
                <p role="alert" className="text-danger">{t('upload.failed', { detail: errorText(error) })}</p>
              )}
            </div>
            <Button
              onClick={() => dropUpload(pool.id, name)}
              aria-label={t(error === null ? 'upload.cancel.named' : 'upload.dismiss.named', { name })}
            >
              {t(error === null ? 'action.cancel' : 'action.dismiss')}
            </Button>
          </li>
        );
      })}
    </ul>
  );
}
