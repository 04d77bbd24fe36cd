import { expect, test } from 'vitest';
import { aManagementNetwork } from '@/testing/samples';
import { placeProblems } from '@/vms/problems';
import { faultsOf, formOf, type HostNetworkForm, hostNetworkFields, toChange } from './network-form';
import { newUrls, secondsLeft } from './reach';

const fixed: HostNetworkForm = {
  ...formOf(aManagementNetwork()),
  interfaces: 'ens3, ens4',
  bondMode: '802.3ad',
  vlan: ' 20 ',
  method4: 'static',
  address4: ' 192.0.2.7/24',
  gateway4: '192.0.2.1',
  method6: 'none',
  dns: '192.0.2.1 2001:db8::53',
  within: '120',
};

test('a network is asked for as it was typed, and shown as it is', () => {
  expect(faultsOf(fixed)).toEqual([]);
  const change = toChange(fixed);
  expect(change).toEqual({
    network: {
      interfaces: ['ens3', 'ens4'],
      bond_mode: '802.3ad',
      vlan: 20,
      ipv4: { method: 'static', address: '192.0.2.7/24', gateway: '192.0.2.1' },
      ipv6: { method: 'none', address: null, gateway: null },
      dns: ['192.0.2.1', '2001:db8::53'],
    },
    confirm_within_s: 120,
  });
  expect(toChange({ ...formOf(change.network), within: '120' })).toEqual(change);
});

test('what was typed for a method that is not chosen is not asked for', () => {
  const { network } = toChange({ ...fixed, method4: 'dhcp', address4: 'nonsense' });
  expect(network.ipv4).toEqual({ method: 'dhcp', address: null, gateway: null });
  expect(faultsOf({ ...fixed, method4: 'dhcp', address4: 'nonsense' })).toEqual([]);
});

test.each<[Partial<HostNetworkForm>, keyof HostNetworkForm, RegExp]>([
  [{ interfaces: ' ' }, 'interfaces', /must name a card/],
  [{ interfaces: 'auto ens3' }, 'interfaces', /auto" alone/],
  [{ interfaces: 'ens3 ens3' }, 'interfaces', /names a card twice/],
  [{ interfaces: 'br0' }, 'interfaces', /name of a network card/],
  [{ interfaces: 'a b c d e f g h i' }, 'interfaces', /at most 8/],
  [{ vlan: '0' }, 'vlan', /1 to 4094/],
  [{ vlan: 'ten' }, 'vlan', /1 to 4094/],
  [{ address4: '' }, 'address4', /is required for the method static/],
  [{ address4: '192.0.2.7' }, 'address4', /with its prefix length/],
  [{ address4: '192.0.2.7/33' }, 'address4', /with its prefix length/],
  [{ gateway4: '192.0.3.1' }, 'gateway4', /is not in the network of 192\.0\.2\.7\/24/],
  [{ gateway4: '192.0.2.7' }, 'gateway4', /is the host's own address/],
  [{ gateway4: 'gw' }, 'gateway4', /must be an IPv4 address/],
  [{ method6: 'static', address6: '2001:db8::10' }, 'address6', /with its prefix length/],
  [{ method6: 'static', address6: '2001:db8::10/64', gateway6: '192.0.2.1' }, 'gateway6', /must be an IPv6 address/],
  [{ dns: 'ns' }, 'dns', /must be an IP address/],
  [{ dns: '192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4' }, 'dns', /at most 3/],
  [{ within: '9' }, 'within', /10 to 600/],
])('%o is refused at its field', (part, field, words) => {
  const { fields, rest } = placeProblems(faultsOf({ ...fixed, ...part }), hostNetworkFields);
  expect(Object.keys(fields)).toEqual([field]);
  expect(fields[field]).toMatch(new RegExp(words.source, 'i'));
  expect(rest).toEqual([]);
});

test('a gateway may be link-local, and an IPv4 network as large as they come', () => {
  expect(faultsOf({ ...fixed, method6: 'static', address6: '2001:db8::10/64', gateway6: 'fe80::1' })).toEqual([]);
  expect(faultsOf({ ...fixed, address4: '200.0.0.1/1', gateway4: '250.0.0.1' })).toEqual([]);
});

test('the daemon’s complaints find their fields', () => {
  const problems = ['network.interfaces[1]', 'network.ipv4.address', 'network.ipv6.gateway', 'network.dns[0]', 'confirm_within_s'];
  const { fields, rest } = placeProblems(problems.map((field) => ({ field, reason: 'is wrong' })), hostNetworkFields);
  expect(Object.keys(fields)).toEqual(['interfaces', 'address4', 'gateway6', 'dns', 'within']);
  expect(rest).toEqual([]);
});

test('a fixed address is where the host is found, unless this page is there already', () => {
  const here = { protocol: 'https:', hostname: '198.51.100.9', port: '8443' };
  const network = aManagementNetwork({
    ipv4: { method: 'static', address: '192.0.2.7/24' },
    ipv6: { method: 'static', address: '2001:db8::10/64' },
  });
  expect(newUrls(network, here)).toEqual(['https://192.0.2.7:8443/host-network', 'https://[2001:db8::10]:8443/host-network']);
  expect(newUrls(network, { ...here, hostname: '192.0.2.7' })).toEqual([]);
  expect(newUrls(network, { ...here, hostname: '[2001:db8::10]' })).toEqual([]);
  expect(newUrls(aManagementNetwork(), here)).toEqual([]);
});

test('time runs down from when it was read and stops at nothing', () => {
  expect(secondsLeft(60_000, 1_000_000, 1_000_000)).toBe(60);
  expect(secondsLeft(60_000, 1_000_000, 1_010_500)).toBe(50);
  expect(secondsLeft(60_000, 1_000_000, 1_090_000)).toBe(0);
});
