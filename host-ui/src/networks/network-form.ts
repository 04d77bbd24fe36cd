// The form of a network: what is typed, what it says of a network, what it asks the daemon for. Pure.
import type { Network, NetworkCreate, NetworkPatch, NetworkVlan } from '@/api/types';

export type NetworkForm = {
  name: string;
  mode: NetworkCreate['mode'];
  autostart: boolean;
  address: string;
  dhcpStart: string;
  dhcpEnd: string;
  /** One a line: MAC address, address, and a name if there is one. */
  reservations: string;
  bridge: string;
  /** Separated by commas or spaces. */
  tags: string;
  trunk: boolean;
  native: string;
};

export type NetworkField = Exclude<keyof NetworkForm, 'mode' | 'autostart' | 'trunk'>;

export const networkFields: readonly [RegExp, NetworkField][] = [
  [/^name$/, 'name'],
  [/^ipv4(\.address)?$/, 'address'],
  [/^ipv4\.dhcp\.start$/, 'dhcpStart'],
  [/^ipv4\.dhcp\.end$/, 'dhcpEnd'],
  [/^ipv4\.dhcp\.reservations/, 'reservations'],
  [/^bridge$/, 'bridge'],
  [/^vlan\.native$/, 'native'],
  [/^vlan/, 'tags'],
];

export const emptyForm: NetworkForm = {
  name: '',
  mode: 'nat',
  autostart: true,
  address: '192.168.100.1/24',
  dhcpStart: '192.168.100.10',
  dhcpEnd: '192.168.100.199',
  reservations: '',
  bridge: '',
  tags: '',
  trunk: false,
  native: '',
};

const joined = (parts: (string | null | undefined)[]) => parts.filter(Boolean).join(' ');

export function formOf(network: Network): NetworkForm {
  const dhcp = network.ipv4?.dhcp;
  const reservations = dhcp?.reservations ?? [];
  return {
    name: network.name,
    mode: network.mode,
    autostart: network.autostart,
    address: network.ipv4?.address ?? '',
    dhcpStart: dhcp?.start ?? '',
    dhcpEnd: dhcp?.end ?? '',
    reservations: reservations.map((kept) => joined([kept.mac, kept.address, kept.name])).join('\n'),
    bridge: network.bridge ?? '',
    tags: (network.vlan.tags ?? []).join(', '),
    trunk: network.vlan.trunk ?? false,
    native: network.vlan.native?.toString() ?? '',
  };
}

export function toCreate(form: NetworkForm): NetworkCreate {
  const common = { name: form.name, mode: form.mode, autostart: form.autostart };
  if (form.mode === 'bridge') return { ...common, bridge: form.bridge, vlan: vlanOf(form) };
  return form.address.trim() === '' ? common : { ...common, ipv4: ipv4Of(form) };
}

/** What differs from the network that the person saw. */
export function toPatch(form: NetworkForm, network: Network): NetworkPatch {
  const old = formOf(network);
  const changed = (...names: (keyof NetworkForm)[]) => names.some((name) => form[name] !== old[name]);
  return {
    ...(changed('autostart') && { autostart: form.autostart }),
    ...(changed('address', 'dhcpStart', 'dhcpEnd', 'reservations') && { ipv4: ipv4Of(form) }),
    ...(changed('bridge') && { bridge: form.bridge }),
    ...(changed('tags', 'trunk', 'native') && { vlan: vlanOf(form) }),
  };
}

function ipv4Of(form: NetworkForm): NonNullable<NetworkCreate['ipv4']> {
  const [start, end] = [form.dhcpStart.trim(), form.dhcpEnd.trim()];
  const lines = form.reservations.split('\n').filter((line) => line.trim() !== '');
  // Without a range there is no DHCP, unless something says that there should be.
  const dhcp = start === '' && end === '' && lines.length === 0 ? null : { start, end, reservations: lines.map(reservationOf) };
  return { address: form.address.trim(), dhcp };
}

function reservationOf(line: string): { mac: string; address: string; name: string | null } {
  const [mac = '', address = '', ...rest] = line.trim().split(/\s+/);
  return { mac, address, name: rest.length === 0 ? null : rest.join(' ') };
}

function vlanOf(form: NetworkForm): NetworkVlan {
  const tags = form.tags.split(/[\s,]+/).filter((tag) => tag !== '');
  const native = form.native.trim();
  return { tags: tags.map(tagOf), trunk: form.trunk, native: form.trunk && native !== '' ? tagOf(native) : null };
}

/** What is no number becomes a tag that the daemon refuses by its field. */
function tagOf(text: string): number {
  return /^\d{1,4}$/.test(text) ? Number(text) : 0;
}
