// The create form's values, what they come to on the wire. Pure.
import type { Image, VmCreate } from '@/api/types';
import { emptyGuest, type GuestForm, guestFields, toCloudInit } from './create-guest';
import { bytesOfGib, positive } from './sizes';

export type CreateForm = GuestForm & {
  name: string;
  description: string;
  vcpus: string;
  memory: string;
  memoryUnit: 'MiB' | 'GiB';
  firmware: NonNullable<VmCreate['firmware']>;
  tpm: boolean;
  disk: 'blank' | 'image' | 'none';
  diskGib: string;
  diskImage: string;
  cdrom: string;
  network: 'network:default' | 'bridge:br0' | 'none';
  start: boolean;
  autostart: boolean;
};

export type FieldName = keyof CreateForm;

export const emptyForm: CreateForm = {
  ...emptyGuest,
  name: '',
  description: '',
  vcpus: '2',
  memory: '2',
  memoryUnit: 'GiB',
  firmware: 'uefi',
  tpm: false,
  disk: 'blank',
  diskGib: '20',
  diskImage: '',
  cdrom: '',
  network: 'network:default',
  start: true,
  autostart: false,
};

/** The request that the form stands for. Numbers that are none become 0, which the daemon refuses by name. */
export function toRequest(form: CreateForm, id: string): VmCreate {
  // Only a disk that has a system on it has a cloud-init.
  const cloudInit = form.disk === 'image' ? toCloudInit(form) : undefined;
  const memory = positive(form.memory) * (form.memoryUnit === 'GiB' ? 1024 : 1);
  return {
    id,
    name: form.name.trim(),
    description: form.description.trim(),
    vcpus: Math.trunc(positive(form.vcpus)),
    memory_mib: Math.round(memory),
    firmware: form.firmware,
    tpm: form.tpm,
    disks: disks(form),
    ...(form.cdrom === '' ? {} : { cdrom: form.cdrom }),
    nics: nics(form.network),
    autostart: form.autostart,
    ...(cloudInit === undefined ? {} : { cloud_init: cloudInit }),
  };
}

function disks(form: CreateForm): NonNullable<VmCreate['disks']> {
  if (form.disk === 'none') return [];
  const size = bytesOfGib(form.diskGib);
  if (form.disk === 'blank') return [{ size_bytes: size }];
  return [{ image: form.diskImage, ...(form.diskGib.trim() === '' ? {} : { size_bytes: size }) }];
}

function nics(network: CreateForm['network']): NonNullable<VmCreate['nics']> {
  if (network === 'none') return [];
  const [kind, name = ''] = network.split(':');
  return [kind === 'bridge' ? { bridge: name } : { network: name }];
}

/** Where the daemon's complaints about a wish belong. */
export const createFields: readonly [RegExp, FieldName][] = [
  [/^name$/, 'name'],
  [/^description$/, 'description'],
  [/^vcpus$/, 'vcpus'],
  [/^memory_mib$/, 'memory'],
  [/^firmware$/, 'firmware'],
  [/^disks\[0\]\.image$/, 'diskImage'],
  [/^disks/, 'diskGib'],
  [/^cdrom$/, 'cdrom'],
  [/^nics/, 'network'],
  ...guestFields,
];

/** Images that a CD drive takes. */
export const isCd = (image: Image): boolean => image.format === 'iso' || image.name.toLowerCase().endsWith('.iso');

/** A name that no VM has yet: `vm1`, `vm2` … */
export function freeName(taken: readonly string[]): string {
  const names = new Set(taken);
  for (let n = 1; ; n += 1) if (!names.has(`vm${n}`)) return `vm${n}`;
}
