// A network of the host in words, part by part. Pure.
import type { ManagementNetwork } from '@/api/types';
import type { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';

type Translate = ReturnType<typeof useI18n>['t'];

/** The parts of a network, named as the daemon names those that differ. */
export const networkParts = ['interfaces', 'bond_mode', 'vlan', 'ipv4', 'ipv6', 'dns'] as const;
export type NetworkPart = (typeof networkParts)[number];

export const partLabels: Record<NetworkPart, MessageKey> = {
  interfaces: 'hostNetwork.interfaces',
  bond_mode: 'hostNetwork.bondMode',
  vlan: 'hostNetwork.vlan',
  ipv4: 'hostNetwork.ipv4',
  ipv6: 'hostNetwork.ipv6',
  dns: 'hostNetwork.dns',
};

export function partText(network: ManagementNetwork, part: NetworkPart, t: Translate): string {
  switch (part) {
    case 'interfaces':
      return network.interfaces.map((card) => (card === 'auto' ? t('hostNetwork.auto') : card)).join(', ');
    case 'bond_mode':
      return network.interfaces.length > 1 ? (network.bond_mode ?? 'active-backup') : t('hostNetwork.noBond');
    case 'vlan':
      return network.vlan == null ? t('hostNetwork.untagged') : `${network.vlan}`;
    case 'ipv4':
      return addressText(network.ipv4, t(`hostNetwork.method.${network.ipv4.method}`), t);
    case 'ipv6':
      return addressText(network.ipv6, t(`hostNetwork.method.${network.ipv6.method}`), t);
    case 'dns':
      return network.dns?.length ? network.dns.join(', ') : t('hostNetwork.dnsOfDhcp');
  }
}

function addressText(ip: ManagementNetwork['ipv4'] | ManagementNetwork['ipv6'], method: string, t: Translate): string {
  if (ip.method !== 'static') return method;
  const address = ip.address ?? '';
  return ip.gateway == null ? address : t('hostNetwork.via', { address, gateway: ip.gateway });
}
