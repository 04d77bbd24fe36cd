// What can be done to which network by whom, and why not. Pure; the daemon decides in the end.
import type { Network, NetworkVlan, Role } from '@/api/types';
import type { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';
import { adminReason } from '@/session/roles';

export function stopReason(network: Network, role: Role): MessageKey | null {
  return adminReason(role) ?? (network.used_by.some((user) => user.running) ? 'reason.networkRuns' : null);
}

export function deleteReason(network: Network, role: Role): MessageKey | null {
  return adminReason(role) ?? (network.used_by.length > 0 ? 'reason.networkUsed' : null);
}

/** The tags in words; `null` when there are none. */
export function vlanText({ tags = [], trunk, native }: NetworkVlan, t: ReturnType<typeof useI18n>['t']): string | null {
  if (tags.length === 0) return null;
  const list = tags.join(', ');
  if (!trunk) return t('network.vlan', { tags: list });
  return native == null ? t('network.vlan.trunk', { tags: list }) : t('network.vlan.native', { tags: list, native: `${native}` });
}
