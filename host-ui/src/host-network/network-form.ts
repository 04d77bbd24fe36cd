// The form of the host's own network: what is typed, what it says of a network, what it asks the daemon for, and what
// is wrong with it in the daemon's words. Pure.
import type { FieldProblem } from '@/api/problem';
import type { HostNetworkChange, ManagementNetwork } from '@/api/types';

export type HostNetworkForm = {
  /** Separated by commas or spaces. */
  interfaces: string;
  bondMode: NonNullable<ManagementNetwork['bond_mode']>;
  vlan: string;
  method4: ManagementNetwork['ipv4']['method'];
  address4: string;
  gateway4: string;
  method6: ManagementNetwork['ipv6']['method'];
  address6: string;
  gateway6: string;
  /** Separated by commas or spaces. */
  dns: string;
  /** Seconds. */
  within: string;
};

export type HostNetworkField = keyof HostNetworkForm;

export const hostNetworkFields: readonly [RegExp, HostNetworkField][] = [
  [/^network\.interfaces/, 'interfaces'],
  [/^network\.bond_mode$/, 'bondMode'],
  [/^network\.vlan$/, 'vlan'],
  [/^network\.ipv4\.gateway$/, 'gateway4'],
  [/^network\.ipv4\.address$/, 'address4'],
  [/^network\.ipv4/, 'method4'],
  [/^network\.ipv6\.gateway$/, 'gateway6'],
  [/^network\.ipv6\.address$/, 'address6'],
  [/^network\.ipv6/, 'method6'],
  [/^network\.dns/, 'dns'],
  [/^confirm_within_s$/, 'within'],
];

/** As the daemon has them. */
const [mostCards, mostServers, leastTime, mostTime] = [8, 3, 10, 600];
const usualTime = '60';

export const wordsOf = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '');

export function formOf(network: ManagementNetwork): HostNetworkForm {
  return {
    interfaces: network.interfaces.join(' '),
    bondMode: network.bond_mode ?? 'active-backup',
    vlan: network.vlan?.toString() ?? '',
    method4: network.ipv4.method,
    address4: network.ipv4.address ?? '',
    gateway4: network.ipv4.gateway ?? '',
    method6: network.ipv6.method,
    address6: network.ipv6.address ?? '',
    gateway6: network.ipv6.gateway ?? '',
    dns: (network.dns ?? []).join(' '),
    within: usualTime,
  };
}

/** Whether two forms describe the same network, however long it would wait. */
export const sameNetwork = (a: HostNetworkForm, b: HostNetworkForm): boolean =>
  JSON.stringify({ ...a, within: '' }) === JSON.stringify({ ...b, within: '' });

/** A form without faults as the change that it asks for. */
export function toChange(form: HostNetworkForm): HostNetworkChange {
  const network: ManagementNetwork = {
    interfaces: wordsOf(form.interfaces),
    bond_mode: form.bondMode,
    vlan: form.vlan.trim() === '' ? null : Number(form.vlan),
    ipv4: { method: form.method4, ...fixedBy(form.method4, form.address4, form.gateway4) },
    ipv6: { method: form.method6, ...fixedBy(form.method6, form.address6, form.gateway6) },
    dns: wordsOf(form.dns),
  };
  return { network, confirm_within_s: Number(form.within) };
}

/** What the daemon would refuse without looking at the host. */
export function faultsOf(form: HostNetworkForm): FieldProblem[] {
  const faults: FieldProblem[] = [];
  const add = (field: string, reason: string) => faults.push({ field, reason });
  const cards = wordsOf(form.interfaces);
  const servers = wordsOf(form.dns);
  for (const card of cards)
    if (!isCard(card))
      add('network.interfaces', `must be "auto", a MAC address, or the name of a network card (1 to 15 letters, digits, '_' or '-')`);
  if (cards.length === 0) add('network.interfaces', 'must name a card, or be ["auto"]');
  if (cards.length > mostCards) add('network.interfaces', `must be at most ${mostCards}`);
  if (cards.length > 1 && cards.includes('auto')) add('network.interfaces', 'must be "auto" alone, or name every card');
  if (new Set(cards.map((card) => card.toLowerCase())).size < cards.length) add('network.interfaces', 'names a card twice');
  if (form.vlan.trim() !== '' && !isWithin(form.vlan, 1, 4094)) add('network.vlan', 'must be 1 to 4094');
  if (form.method4 === 'static') ipv4Faults(form.address4.trim(), form.gateway4.trim(), add);
  if (form.method6 === 'static') ipv6Faults(form.address6.trim(), form.gateway6.trim(), add);
  if (servers.length > mostServers) add('network.dns', `must be at most ${mostServers}`);
  if (servers.some((server) => ipv4Of(server) === null && !isIpv6(server))) add('network.dns', 'must be an IP address');
  if (!isWithin(form.within, leastTime, mostTime)) add('confirm_within_s', `must be ${leastTime} to ${mostTime}`);
  return faults;
}

type Add = (field: string, reason: string) => void;

function ipv4Faults(text: string, gatewayText: string, add: Add): void {
  const [host = '', length = ''] = text.split('/');
  const address = ipv4Of(host);
  const gateway = ipv4Of(gatewayText);
  if (text === '') add('network.ipv4.address', 'is required for the method static');
  else if (address === null || !isWithin(length, 1, 32))
    add('network.ipv4.address', 'must be an IPv4 address with its prefix length, for instance "192.168.1.10/24"');
  if (gatewayText === '') return;
  if (gateway === null) add('network.ipv4.gateway', 'must be an IPv4 address');
  else if (address !== null && isWithin(length, 1, 32)) {
    const hosts = 2 ** (32 - Number(length));
    if (Math.floor(gateway / hosts) !== Math.floor(address / hosts)) add('network.ipv4.gateway', `is not in the network of ${text}`);
    else if (gateway === address) add('network.ipv4.gateway', "is the host's own address");
  }
}

/** Which network a gateway is in is left to the daemon. */
function ipv6Faults(text: string, gateway: string, add: Add): void {
  const [host = '', length = ''] = text.split('/');
  if (text === '') add('network.ipv6.address', 'is required for the method static');
  else if (!isIpv6(host) || !isWithin(length, 1, 128))
    add('network.ipv6.address', 'must be an IPv6 address with its prefix length, for instance "2001:db8::10/64"');
  if (gateway !== '' && !isIpv6(gateway)) add('network.ipv6.gateway', 'must be an IPv6 address');
}

const fixedBy = (method: string, address: string, gateway: string) => ({
  address: method === 'static' ? orNull(address) : null,
  gateway: method === 'static' ? orNull(gateway) : null,
});
const orNull = (text: string) => (text.trim() === '' ? null : text.trim());
const isName = (text: string) => /^[a-z\d][\w-]{0,14}$/i.test(text) && !['lo', 'br0', 'bond0'].includes(text);
const isCard = (text: string) => isName(text) || /^([\da-f]{2}:){5}[\da-f]{2}$/i.test(text);
const isIpv6 = (text: string) => /^[\da-f:.]+$/i.test(text) && text.includes(':') && URL.canParse(`http://[${text}]/`);

function isWithin(text: string, least: number, most: number): boolean {
  return /^\d{1,4}$/.test(text.trim()) && Number(text) >= least && Number(text) <= most;
}

/** As a number of 32 bits; `null` for anything else. */
function ipv4Of(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return null;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}
