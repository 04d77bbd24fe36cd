// The fields of the create dialog.
import { useQuery } from '@tanstack/react-query';
import { imagesQuery } from '@/api/queries';
import type { Image } from '@/api/types';
import { formatBytes } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Check } from '@/ui/check';
import { Field } from '@/ui/field';
import { useErrorText } from '@/ui/message';
import { type CreateForm, type FieldName, isCd } from './create-form';
import { GuestFields } from './create-guest-fields';

type Props = {
  form: CreateForm;
  problems: Partial<Record<FieldName, string>>;
  change: (part: Partial<CreateForm>) => void;
};

export function CreateFields(props: Props) {
  return (
    <>
      <Identity {...props} />
      <Sizes {...props} />
      <DiskFields {...props} />
      <NetworkAndStart {...props} />
      {props.form.disk === 'image' && <GuestFields {...props} />}
    </>
  );
}

function Identity({ form, problems, change }: Props) {
  const { t } = useI18n();
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label={t('vm.name')} hint={t('create.name.hint')} problem={problems.name}>
        {(control) => (
          <input
            {...control}
            className="field"
            data-initial-focus
            autoComplete="off"
            spellCheck={false}
            maxLength={63}
            value={form.name}
            onChange={(event) => change({ name: event.target.value })}
            onFocus={(event) => event.target.select()}
          />
        )}
      </Field>
      <Field label={t('create.description')} problem={problems.description}>
        {(control) => (
          <input
            {...control}
            className="field"
            maxLength={1024}
            value={form.description}
            onChange={(event) => change({ description: event.target.value })}
          />
        )}
      </Field>
    </div>
  );
}

function Sizes({ form, problems, change }: Props) {
  const { t } = useI18n();
  return (
    <div className="grid gap-4 sm:grid-cols-3">
      <Field label={t('vm.vcpus')} problem={problems.vcpus}>
        {(control) => (
          <input {...control} className="field" inputMode="numeric" value={form.vcpus} onChange={(event) => change({ vcpus: event.target.value })} />
        )}
      </Field>
      <Field label={t('vm.memory')} problem={problems.memory}>
        {(control) => (
          <div className="flex gap-2">
            <input {...control} className="field" inputMode="decimal" value={form.memory} onChange={(event) => change({ memory: event.target.value })} />
            <select
              aria-label={t('create.memoryUnit')}
              className="field w-20"
              value={form.memoryUnit}
              onChange={(event) => change({ memoryUnit: event.target.value as CreateForm['memoryUnit'] })}
            >
              <option>MiB</option>
              <option>GiB</option>
            </select>
          </div>
        )}
      </Field>
      <div className="flex flex-col gap-1">
        <Field label={t('vm.firmware')} problem={problems.firmware}>
          {(control) => (
            <select
              {...control}
              className="field"
              value={form.firmware}
              onChange={(event) => change({ firmware: event.target.value as CreateForm['firmware'] })}
            >
              <option value="uefi">{t('firmware.uefi')}</option>
              <option value="uefi_secure_boot">{t('firmware.secure')}</option>
              <option value="bios">{t('firmware.bios')}</option>
            </select>
          )}
        </Field>
        <Check label={t('create.tpm')} checked={form.tpm} onChange={(tpm) => change({ tpm })} />
      </div>
    </div>
  );
}

function DiskFields({ form, problems, change }: Props) {
  const { t } = useI18n();
  const { disks, cds, hint } = useLibrary();
  const chooseDisk = (disk: CreateForm['disk']) =>
    change({
      disk,
      diskImage: form.diskImage || (disks[0]?.name ?? ''),
      diskGib: disk === 'image' ? '' : form.diskGib || '20',
      // Nobody could log in to a cloud image that was told nothing.
      ...(disk === 'image' && form.guest === 'none' ? { guest: 'account' } : {}),
    });
  return (
    <fieldset className="grid gap-4 sm:grid-cols-3">
      <legend className="sr-only">{t('create.disks')}</legend>
      <Field label={t('create.disk')}>
        {(control) => (
          <select {...control} className="field" value={form.disk} onChange={(event) => chooseDisk(event.target.value as CreateForm['disk'])}>
            <option value="blank">{t('create.disk.blank')}</option>
            <option value="image">{t('create.disk.image')}</option>
            <option value="none">{t('create.disk.none')}</option>
          </select>
        )}
      </Field>
      {form.disk === 'image' && (
        <Field label={t('create.diskImage')} problem={problems.diskImage} hint={hint(disks)}>
          {(control) => (
            <select {...control} className="field" value={form.diskImage} disabled={disks.length === 0} onChange={(event) => change({ diskImage: event.target.value })}>
              <ImageOptions images={disks} />
            </select>
          )}
        </Field>
      )}
      {form.disk !== 'none' && (
        <Field label={t('create.diskSize')} problem={problems.diskGib} hint={form.disk === 'image' ? t('create.diskSize.hint') : undefined}>
          {(control) => (
            <input {...control} className="field" inputMode="decimal" value={form.diskGib} onChange={(event) => change({ diskGib: event.target.value })} />
          )}
        </Field>
      )}
      <Field label={t('create.cd')} problem={problems.cdrom} hint={hint(cds)}>
        {(control) => (
          <select {...control} className="field" value={form.cdrom} onChange={(event) => change({ cdrom: event.target.value })}>
            <option value="">{t('create.cd.none')}</option>
            <ImageOptions images={cds} />
          </select>
        )}
      </Field>
    </fieldset>
  );
}

function ImageOptions({ images }: { images: readonly Image[] }) {
  const { language } = useI18n();
  return images.map((image) => (
    <option key={image.name} value={image.name}>
      {`${image.name} (${formatBytes(image.size_bytes, language)})`}
    </option>
  ));
}

/** The library's images by kind, and why there is nothing to choose from where there is nothing. */
function useLibrary() {
  const { t } = useI18n();
  const errorText = useErrorText();
  const images = useQuery(imagesQuery);
  const hint = (choice: readonly Image[]) => {
    if (images.isPending) return t('images.loading');
    if (images.isError) return errorText(images.error);
    return choice.length === 0 ? t('create.library.empty') : undefined;
  };
  const disks = images.data?.filter((image) => !isCd(image)) ?? [];
  const cds = images.data?.filter(isCd) ?? [];
  return { disks, cds, hint };
}

function NetworkAndStart({ form, problems, change }: Props) {
  const { t } = useI18n();
  return (
    <div className="grid items-end gap-4 sm:grid-cols-2">
      <Field label={t('create.network')} problem={problems.network}>
        {(control) => (
          <select
            {...control}
            className="field"
            value={form.network}
            onChange={(event) => change({ network: event.target.value as CreateForm['network'] })}
          >
            <option value="network:default">{t('create.network.nat')}</option>
            <option value="bridge:br0">{t('create.network.bridge')}</option>
            <option value="none">{t('create.network.none')}</option>
          </select>
        )}
      </Field>
      <div className="flex flex-col justify-end">
        <Check label={t('create.start')} checked={form.start} onChange={(start) => change({ start })} />
        <Check label={t('vm.autostart')} checked={form.autostart} onChange={(autostart) => change({ autostart })} />
      </div>
    </div>
  );
}
