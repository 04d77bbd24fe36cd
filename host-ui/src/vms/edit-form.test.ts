import { expect, test } from 'vitest';
import { aDisk, aVm } from '@/testing/samples';
import { formOf, toPatch } from './edit-form';

const vm = aVm({
  tags: ['prod'],
  vcpus: 2,
  vcpus_max: 4,
  boot_order: ['sda', 'vda'],
  disks: [aDisk()],
});

test('what was not changed is not sent', () => {
  expect(toPatch(formOf(vm), vm)).toEqual({});
  expect(toPatch({ ...formOf(vm), name: ' web1 ' }, vm)).toEqual({});
});

test('what was changed is sent in the daemon’s terms', () => {
  const form = { ...formOf(vm), tags: 'prod, web', vcpus: '4', memory: '4096', bootFirst: 'vda', cpuModel: 'EPYC' };
  expect(toPatch(form, vm)).toEqual({
    tags: ['prod', 'web'],
    vcpus: 4,
    memory_mib: 4096,
    cpu_model: 'EPYC',
    boot_order: ['vda', 'sda'],
  });
});

test.each(['', 'two', '-1', '1.5', '1e3'])('%j as a number becomes 0, for the daemon to refuse by name', (text) => {
  expect(toPatch({ ...formOf(vm), vcpus: text }, vm)).toEqual({ vcpus: 0 });
});

test('a start with the host has an order, and no number is none', () => {
  const form = { ...formOf(vm), autostart: true, autostartOrder: '20', autostartDelay: '' };
  expect(toPatch(form, vm)).toEqual({ autostart: true, autostart_order: 20, autostart_delay_s: 999_999_999 });
});

test('a TPM can be added', () => {
  expect(toPatch({ ...formOf(vm), tpm: true }, vm)).toEqual({ tpm: true });
  expect(toPatch(formOf({ ...vm, tpm: true }), { ...vm, tpm: true })).toEqual({});
});

test('tags can be taken away', () => {
  expect(toPatch({ ...formOf(vm), tags: ' ' }, vm)).toEqual({ tags: [] });
});
