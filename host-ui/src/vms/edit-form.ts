// The edit form's values, and the change that they come to. Pure.
import type { Vm, VmPatch } from '@/api/types';

export type EditForm = {
  name: string;
  description: string;
  tags: string;
  vcpus: string;
  vcpusMax: string;
  memory: string;
  cpuModel: string;
  bootFirst: string;
  tpm: boolean;
  autostart: boolean;
  autostartOrder: string;
  autostartDelay: string;
};

export type EditField = Exclude<keyof EditForm, 'tpm' | 'autostart'>;

/** What the form shows at first. */
export function formOf(vm: Vm): EditForm {
  return {
    name: vm.name,
    description: vm.description,
    tags: vm.tags.join(' '),
    vcpus: String(vm.vcpus),
    vcpusMax: String(vm.vcpus_max),
    memory: String(vm.memory_mib),
    cpuModel: vm.cpu_model,
    bootFirst: vm.boot_order[0] ?? '',
    tpm: vm.tpm,
    autostart: vm.autostart,
    autostartOrder: String(vm.autostart_order),
    autostartDelay: String(vm.autostart_delay_s),
  };
}

/** The fields that differ from the VM's. Numbers that are none become one that the daemon refuses by name. */
export function toPatch(form: EditForm, vm: Vm): VmPatch {
  const before = formOf(vm);
  const patch: VmPatch = {};
  const changed = (field: EditField) => form[field].trim() !== before[field].trim();
  if (changed('name')) patch.name = form.name.trim();
  if (changed('description')) patch.description = form.description.trim();
  if (changed('tags')) patch.tags = form.tags.split(/[\s,]+/).filter((tag) => tag !== '');
  if (changed('vcpus')) patch.vcpus = whole(form.vcpus);
  if (changed('vcpusMax')) patch.vcpus_max = whole(form.vcpusMax);
  if (changed('memory')) patch.memory_mib = whole(form.memory);
  if (changed('cpuModel')) patch.cpu_model = form.cpuModel.trim();
  if (changed('bootFirst')) {
    patch.boot_order = [form.bootFirst, ...vm.boot_order.filter((device) => device !== form.bootFirst)];
  }
  if (form.tpm !== vm.tpm) patch.tpm = form.tpm;
  if (form.autostart !== vm.autostart) patch.autostart = form.autostart;
  if (changed('autostartOrder')) patch.autostart_order = whole(form.autostartOrder, tooMuch);
  if (changed('autostartDelay')) patch.autostart_delay_s = whole(form.autostartDelay, tooMuch);
  return patch;
}

/** Where 0 is a number like others. */
const tooMuch = 999_999_999;

const whole = (text: string, none = 0): number => (/^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : none);

/** Where the daemon's complaints about a change belong. */
export const editFields: readonly [RegExp, EditField][] = [
  [/^name$/, 'name'],
  [/^description$/, 'description'],
  [/^tags/, 'tags'],
  [/^vcpus$/, 'vcpus'],
  [/^vcpus_max$/, 'vcpusMax'],
  [/^memory_mib$/, 'memory'],
  [/^cpu_model$/, 'cpuModel'],
  [/^boot_order/, 'bootFirst'],
  [/^autostart_order$/, 'autostartOrder'],
  [/^autostart_delay_s$/, 'autostartDelay'],
];

/** What can be booted from: drives and NICs. */
export const bootDevices = (vm: Vm): string[] => [...vm.disks.map(({ target }) => target), ...vm.nics.map(({ mac }) => mac)];
