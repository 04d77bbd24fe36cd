// What cloud-init in a new guest is to set up: the form's values, what they come to on the wire. Pure.
import type { CloudInit } from '@/api/types';

export type GuestForm = {
  guest: 'none' | 'account' | 'own';
  guestHostname: string;
  guestUser: string;
  guestPassword: string;
  guestKeys: string;
  userData: string;
  guestNetwork: 'dhcp' | 'static';
  guestAddresses: string;
  guestGateways: string;
  guestDns: string;
};

export const emptyGuest: GuestForm = {
  guest: 'none',
  guestHostname: '',
  guestUser: '',
  guestPassword: '',
  guestKeys: '',
  userData: '',
  guestNetwork: 'dhcp',
  guestAddresses: '',
  guestGateways: '',
  guestDns: '',
};

/** The wish; none unless the guest is to be set up. */
export function toCloudInit(form: GuestForm): CloudInit | undefined {
  if (form.guest === 'none') return undefined;
  const hostname = form.guestHostname.trim();
  return {
    ...(hostname === '' ? {} : { hostname }),
    ...(form.guest === 'own' ? { user_data: form.userData } : account(form)),
    ...(form.guestNetwork === 'dhcp' ? {} : { network: [network(form)] }),
  };
}

function account(form: GuestForm): CloudInit {
  const user = form.guestUser.trim();
  const keys = form.guestKeys.split('\n').map((line) => line.trim());
  const ssh_keys = keys.filter((line) => line !== '');
  return {
    ...(user === '' ? {} : { user }),
    ...(form.guestPassword === '' ? {} : { password: form.guestPassword }),
    ...(ssh_keys.length === 0 ? {} : { ssh_keys }),
  };
}

/** Without any address it would be DHCP again, which was not chosen: the daemon says what one looks like. */
function network(form: GuestForm): NonNullable<CloudInit['network']>[number] {
  const addresses = words(form.guestAddresses);
  return { addresses: addresses.length === 0 ? [''] : addresses, gateways: words(form.guestGateways), dns: words(form.guestDns) };
}

const words = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '');

/** Where the daemon's complaints belong. */
export const guestFields: readonly [RegExp, keyof GuestForm][] = [
  [/^cloud_init\.hostname$/, 'guestHostname'],
  [/^cloud_init\.user$/, 'guestUser'],
  [/^cloud_init\.password$/, 'guestPassword'],
  [/^cloud_init\.ssh_keys/, 'guestKeys'],
  [/^cloud_init\.user_data$/, 'userData'],
  [/^cloud_init\.network\[0\]\.gateways/, 'guestGateways'],
  [/^cloud_init\.network\[0\]\.dns/, 'guestDns'],
  [/^cloud_init\.network/, 'guestAddresses'],
];
