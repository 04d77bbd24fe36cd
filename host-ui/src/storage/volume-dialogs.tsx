// Dialogs that make, clone, resize and delete volumes.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, outcome } from '@/api/client';
import { imagesQuery, volumesQuery } from '@/api/queries';
import type { Pool, Volume } from '@/api/types';
import { formatBytes } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Check } from '@/ui/check';
import { Field } from '@/ui/field';
import { FormDialog, TextField } from '@/ui/form-dialog';
import { notify } from '@/ui/notices';
import { bytesOfGib, positive } from '@/vms/sizes';

const gib = 1024 ** 3;
type CloseProps = { onClose: () => void };
type Format = 'qcow2' | 'raw';

/** Made blank, or of a file of the image library. */
export function CreateVolumeDialog({ pool, onClose }: CloseProps & { pool: Pool }) {
  const { t } = useI18n();
  const images = useQuery(imagesQuery);
  const [name, setName] = useState('');
  const [format, setFormat] = useState<Format>(pool.has_files ? 'qcow2' : 'raw');
  const [size, setSize] = useState('20');
  const [image, setImage] = useState('');
  const [full, setFull] = useState(false);
  const body = {
    name,
    format,
    ...(positive(size) > 0 && { size_bytes: bytesOfGib(size) }),
    ...(image === '' ? { full } : { source: { image } }),
  };
  return (
    <FormDialog
      title={t('volume.create.title', { name: pool.name })}
      submit={t('volume.create')}
      changes={volumesQuery(pool.id).queryKey}
      send={() => outcome(api.POST('/api/v1/pools/{id}/volumes', { params: { path: { id: pool.id } }, body }))}
      onDone={() => {
        notify({ tone: 'good', title: t('volume.create.done', { name }) });
        onClose();
      }}
      onClose={onClose}
    >
      {(problem) => (
        <>
          <TextField first label={t('volume.name')} hint={t('volume.name.hint')} value={name} problem={problem('name')} onChange={setName} />
          <Field label={t('volume.source')} problem={problem('source.image')}>
            {(control) => (
              <select {...control} className="field" value={image} onChange={(event) => setImage(event.target.value)}>
                <option value="">{t('volume.source.blank')}</option>
                {images.data?.map((known) => (
                  <option key={known.name} value={known.name}>{t('volume.source.image', { name: known.name })}</option>
                ))}
              </select>
            )}
          </Field>
          <div className="grid gap-4 sm:grid-cols-2">
            <TextField
              label={t('volume.sizeGib')}
              {...(image !== '' && { hint: t('volume.size.image') })}
              value={size}
              problem={problem('size_bytes')}
              onChange={setSize}
            />
            <Field label={t('volume.format')} hint={t(`volume.format.${format}.hint`)} problem={problem('format')}>
              {(control) => (
                <select
                  {...control}
                  className="field"
                  value={format}
                  disabled={!pool.has_files}
                  onChange={(event) => setFormat(event.target.value === 'raw' ? 'raw' : 'qcow2')}
                >
                  <option value="qcow2">qcow2</option>
                  <option value="raw">raw</option>
                </select>
              )}
            </Field>
          </div>
          {image === '' && pool.has_files && <Check label={t('volume.full')} checked={full} onChange={setFull} />}
        </>
      )}
    </FormDialog>
  );
}

/** Into any pool where volumes can be made. */
export function CloneDialog({ volume, pools, onClose }: CloseProps & { volume: Volume; pools: readonly Pool[] }) {
  const { t } = useI18n();
  const [name, setName] = useState(`copy-of-${volume.name}`);
  const [into, setInto] = useState(volume.pool);
  const targets = pools.filter((pool) => pool.state === 'active' && pool.makes_volumes);
  const source = { volume: { pool: volume.pool, name: volume.name } };
  const isOurs = volume.format === 'qcow2' || volume.format === 'raw';
  const keeps = isOurs && targets.find((pool) => pool.id === into)?.has_files;
  const body = { name, source, ...(keeps && { format: volume.format as Format }) };
  return (
    <FormDialog
      title={t('volume.clone.title', { name: volume.name })}
      submit={t('volume.clone')}
      changes={volumesQuery(into).queryKey}
      send={() => outcome(api.POST('/api/v1/pools/{id}/volumes', { params: { path: { id: into } }, body }))}
      onDone={() => {
        notify({ tone: 'good', title: t('volume.create.done', { name }) });
        onClose();
      }}
      onClose={onClose}
    >
      {(problem) => (
        <>
          <p className="text-muted">{t('volume.clone.text')}</p>
          <TextField first label={t('volume.name')} value={name} problem={problem('name')} onChange={setName} />
          <Field label={t('volume.pool')}>
            {(control) => (
              <select {...control} className="field" value={into} onChange={(event) => setInto(event.target.value)}>
                {targets.map((pool) => (
                  <option key={pool.id} value={pool.id}>{pool.name}</option>
                ))}
              </select>
            )}
          </Field>
        </>
      )}
    </FormDialog>
  );
}

export function ResizeDialog({ volume, onClose }: CloseProps & { volume: Volume }) {
  const { t, language } = useI18n();
  const [size, setSize] = useState(String(Math.round((volume.capacity_bytes / gib) * 100) / 100));
  const [shrink, setShrink] = useState(false);
  const smaller = positive(size) > 0 && bytesOfGib(size) < volume.capacity_bytes;
  const body = { size_bytes: bytesOfGib(size), shrink: smaller && shrink };
  return (
    <FormDialog
      title={t('volume.resize.title', { name: volume.name })}
      submit={t('volume.resize')}
      danger={body.shrink}
      changes={volumesQuery(volume.pool).queryKey}
      send={() => ask(api.PATCH('/api/v1/pools/{id}/volumes/{volume}', { params: { path: { id: volume.pool, volume: volume.name } }, body }))}
      onDone={onClose}
      onClose={onClose}
    >
      {(problem) => (
        <>
          <TextField
            first
            label={t('volume.sizeGib')}
            hint={t('volume.resize.now', { size: formatBytes(volume.capacity_bytes, language) })}
            value={size}
            problem={problem('size_bytes')}
            onChange={setSize}
          />
          {smaller && <Check label={t('volume.shrink')} checked={shrink} onChange={setShrink} />}
        </>
      )}
    </FormDialog>
  );
}

export function DeleteVolumeDialog({ volume: { pool, name, capacity_bytes: size }, onClose }: CloseProps & { volume: Volume }) {
  const { t, language } = useI18n();
  return (
    <FormDialog
      title={t('volume.delete.title', { name })}
      submit={t('volume.delete')}
      danger
      changes={volumesQuery(pool).queryKey}
      send={() => ask(api.DELETE('/api/v1/pools/{id}/volumes/{volume}', { params: { path: { id: pool, volume: name } } }))}
      onDone={() => {
        notify({ tone: 'good', title: t('volume.delete.done', { name }) });
        onClose();
      }}
      onClose={onClose}
    >
      {() => <p>{t('volume.delete.text', { size: formatBytes(size, language) })}</p>}
    </FormDialog>
  );
}
