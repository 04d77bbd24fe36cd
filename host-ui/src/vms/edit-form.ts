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
};

export type EditField = keyof EditForm;

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
  };
}

/** The fields that differ from the VM's. Numbers that are none become 0, which the daemon refuses by name. */
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
  return patch;
}

const whole = (text: string): number => (/^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : 0);

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
];

/** What can be booted from: drives and NICs. */
export const bootDevices = (vm: Vm): string[] => [...vm.disks.map(({ target }) => target), ...vm.nics.map(({ mac }) => mac)];
