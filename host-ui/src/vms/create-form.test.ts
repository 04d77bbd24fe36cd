import { expect, test } from 'vitest';
import { createFields, emptyForm, freeName, toRequest } from './create-form';
import { placeProblems } from './problems';

const form = { ...emptyForm, name: ' web1 ' };

test('the form becomes the request that the daemon knows', () => {
  expect(toRequest({ ...form, memory: '1,5', diskGib: '10' }, 'the-id')).toEqual({
    id: 'the-id',
    name: 'web1',
    description: '',
    vcpus: 2,
    memory_mib: 1536,
    firmware: 'uefi',
    disks: [{ size_bytes: 10 * 1024 ** 3 }],
    nics: [{ network: 'default' }],
    autostart: false,
  });
});

test('a disk made of an image keeps its size unless one is given', () => {
  const image = { ...form, disk: 'image' as const, diskImage: 'debian.qcow2' };
  expect(toRequest({ ...image, diskGib: '' }, '').disks).toEqual([{ image: 'debian.qcow2' }]);
  expect(toRequest({ ...image, diskGib: '1' }, '').disks).toEqual([{ image: 'debian.qcow2', size_bytes: 1024 ** 3 }]);
});

test('no disk, no network, a bridge and a CD', () => {
  const request = toRequest({ ...form, disk: 'none', network: 'bridge:br0', cdrom: 'a.iso' }, '');
  expect(request).toMatchObject({ disks: [], nics: [{ bridge: 'br0' }], cdrom: 'a.iso' });
  expect(toRequest({ ...form, network: 'none' }, '').nics).toEqual([]);
});

test.each(['', 'abc', '-1', '1e999'])('%j as a number becomes 0, for the daemon to refuse by name', (text) => {
  expect(toRequest({ ...form, vcpus: text, memory: text, diskGib: text }, '')).toMatchObject({
    vcpus: 0,
    memory_mib: 0,
    disks: [{ size_bytes: 0 }],
  });
});

test('every disk size is whole sectors', () => {
  expect((toRequest({ ...form, diskGib: '0.3333' }, '').disks?.[0]?.size_bytes ?? 1) % 512).toBe(0);
});

test('complaints are placed beside their fields; the rest is kept', () => {
  const unknown = { field: 'nowhere', reason: 'x' };
  const { fields, rest } = placeProblems([
    { field: 'name', reason: 'is taken' },
    { field: 'memory_mib', reason: 'must be 1 to 16777216' },
    { field: 'disks[0].size_bytes', reason: 'is too large' },
    { field: 'disks[0].image', reason: 'does not exist' },
    { field: 'nics[0].network', reason: 'does not exist' },
    unknown,
  ], createFields);
  expect(fields).toEqual({
    name: 'Is taken',
    memory: 'Must be 1 to 16777216 (MiB)',
    diskGib: 'Is too large',
    diskImage: 'Does not exist',
    network: 'Does not exist',
  });
  expect(rest).toEqual([unknown]);
});

test('the proposed name is the first free one', () => {
  expect(freeName([])).toBe('vm1');
  expect(freeName(['vm1', 'vm3'])).toBe('vm2');
});
