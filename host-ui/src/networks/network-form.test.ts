import { expect, test } from 'vitest';
import { aNetwork } from '@/testing/samples';
import { placeProblems } from '@/vms/problems';
import { emptyForm, formOf, networkFields, toCreate, toPatch } from './network-form';

test('a network with reservations is asked for as it was typed', () => {
  const form = { ...emptyForm, name: 'lab', reservations: ' 52:54:00:12:34:56  192.168.100.200 printer\n\n52:54:00:12:34:57 192.168.100.201' };
  expect(toCreate(form)).toEqual({
    name: 'lab',
    mode: 'nat',
    autostart: true,
    ipv4: {
      address: '192.168.100.1/24',
      dhcp: {
        start: '192.168.100.10',
        end: '192.168.100.199',
        reservations: [
          { mac: '52:54:00:12:34:56', address: '192.168.100.200', name: 'printer' },
          { mac: '52:54:00:12:34:57', address: '192.168.100.201', name: null },
        ],
      },
    },
  });
});

test('a bridge has tags and no address', () => {
  const form = { ...emptyForm, name: 'trunk', mode: 'bridge' as const, bridge: 'br0', tags: '10, 20', trunk: true, native: '10' };
  expect(toCreate(form)).toEqual({
    name: 'trunk',
    mode: 'bridge',
    autostart: true,
    bridge: 'br0',
    vlan: { tags: [10, 20], trunk: true, native: 10 },
  });
});

test('an isolated network may have no address', () => {
  expect(toCreate({ ...emptyForm, name: 'dark', mode: 'isolated', address: '' })).toEqual({ name: 'dark', mode: 'isolated', autostart: true });
});

test('only what was changed is asked for', () => {
  const network = aNetwork();
  expect(toPatch(formOf(network), network)).toEqual({});
  expect(toPatch({ ...formOf(network), autostart: false }, network)).toEqual({ autostart: false });
  const without = { ...formOf(network), dhcpStart: '', dhcpEnd: '', reservations: '' };
  expect(toPatch(without, network)).toEqual({ ipv4: { address: '192.168.100.1/24', dhcp: null } });
});

test('what is no tag is left to the daemon to refuse, at its field', () => {
  expect(toCreate({ ...emptyForm, mode: 'bridge', tags: 'ten' }).vlan?.tags).toEqual([0]);
  const { fields, rest } = placeProblems(
    [
      { field: 'vlan.tags[0]', reason: 'must be 1 to 4094' },
      { field: 'ipv4.dhcp.reservations[1].mac', reason: 'is wrong' },
    ],
    networkFields,
  );
  expect(fields).toEqual({ tags: 'Must be 1 to 4094', reservations: 'Is wrong' });
  expect(rest).toEqual([]);
});
