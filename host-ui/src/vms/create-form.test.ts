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
    tpm: false,
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

const image = { ...form, disk: 'image' as const, diskImage: 'debian.qcow2', diskGib: '' };

test('a guest is told what was filled in, and only on a disk that has a system', () => {
  const account = { ...image, guest: 'account' as const };
  expect(toRequest(account, '').cloud_init).toEqual({});
  const told = {
    ...account,
    guestHostname: ' web ',
    guestUser: 'ops',
    guestPassword: ' correct horse ',
    guestKeys: '\nssh-ed25519 A\r\n ssh-rsa B \n',
    userData: 'left from before',
    guestNetwork: 'static' as const,
    guestAddresses: '192.0.2.5/24, 2001:db8::5/64',
    guestGateways: '192.0.2.1',
    guestDns: '192.0.2.53 192.0.2.54',
  };
  expect(toRequest(told, '').cloud_init).toEqual({
    hostname: 'web',
    user: 'ops',
    password: ' correct horse ',
    ssh_keys: ['ssh-ed25519 A', 'ssh-rsa B'],
    network: [{ addresses: ['192.0.2.5/24', '2001:db8::5/64'], gateways: ['192.0.2.1'], dns: ['192.0.2.53', '192.0.2.54'] }],
  });
  for (const other of [{ disk: 'blank' as const }, { disk: 'none' as const }, { guest: 'none' as const }])
    expect(toRequest({ ...told, ...other }, '').cloud_init).toBeUndefined();
});

test('own user-data stands in place of the account', () => {
  const own = { ...image, guest: 'own' as const, guestUser: 'left from before', userData: '#cloud-config\n' };
  expect(toRequest(own, '').cloud_init).toEqual({ user_data: '#cloud-config\n' });
});

test('static without an address is for the daemon to refuse', () => {
  const none = { ...image, guest: 'account' as const, guestNetwork: 'static' as const };
  expect(toRequest(none, '').cloud_init?.network?.[0]?.addresses).toEqual(['']);
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
    { field: 'cloud_init.ssh_keys[1]', reason: 'must be one key' },
    { field: 'cloud_init.network[0].gateways[0]', reason: 'must be an address' },
    { field: 'cloud_init.network', reason: 'must be at most 0' },
    unknown,
  ], createFields);
  expect(fields).toEqual({
    name: 'Is taken',
    memory: 'Must be 1 to 16777216 (MiB)',
    diskGib: 'Is too large',
    diskImage: 'Does not exist',
    network: 'Does not exist',
    guestKeys: 'Must be one key',
    guestGateways: 'Must be an address',
    guestAddresses: 'Must be at most 0',
  });
  expect(rest).toEqual([unknown]);
});

test('the proposed name is the first free one', () => {
  expect(freeName([])).toBe('vm1');
  expect(freeName(['vm1', 'vm3'])).toBe('vm2');
});
