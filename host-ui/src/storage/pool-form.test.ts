import { expect, test } from 'vitest';
import { emptyPool, toPool } from './pool-form';
import { volumeName } from './uploads';

test('each type asks for what it is made of, and for nothing else', () => {
  const form = { ...emptyPool, name: 'p', host: ' san:3261 ', export: '/e', group: 'vg', devices: '/dev/a, /dev/b', target: 'iqn.x:y' };
  const common = { name: 'p', autostart: true };
  expect(toPool({ ...form, type: 'directory' })).toEqual({ ...common, type: 'directory' });
  expect(toPool({ ...form, type: 'directory', path: ' /srv/x ' })).toEqual({ ...common, type: 'directory', path: '/srv/x' });
  expect(toPool({ ...form, type: 'lvm' })).toEqual({ ...common, type: 'lvm', lvm: { group: 'vg', devices: ['/dev/a', '/dev/b'] } });
  expect(toPool({ ...form, type: 'iscsi' })).toEqual({ ...common, type: 'iscsi', iscsi: { host: 'san', port: 3261, target: 'iqn.x:y' } });
  expect(toPool({ ...form, host: 'fd00::1', type: 'nfs' })).toEqual({ ...common, type: 'nfs', nfs: { host: 'fd00::1', export: '/e' } });
});

test('a file of another format becomes a volume that is named after its own', () => {
  expect(volumeName('Old Server.VMDK')).toBe('Old-Server.qcow2');
  expect(volumeName('disk.img')).toBe('disk.img');
});
