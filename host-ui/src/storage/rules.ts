// What can be done to which pool and volume by whom, and why not. Pure; the daemon decides in the end.
import type { Pool, Role, Volume } from '@/api/types';
import type { MessageKey } from '@/i18n/translate';
import { adminReason } from '@/session/roles';
import { roleReason } from '@/vms/rules';

export function stopPoolReason(pool: Pool, role: Role): MessageKey | null {
  return adminReason(role) ?? (pool.used_by.some((user) => user.running) ? 'reason.poolRuns' : null);
}

export function deletePoolReason(pool: Pool, role: Role): MessageKey | null {
  if (adminReason(role) !== null) return adminReason(role);
  if (pool.own) return 'reason.poolOwn';
  return pool.used_by.length > 0 ? 'reason.poolUsed' : null;
}

/** Why no volume can be made in a pool. */
export function createReason(pool: Pool, role: Role): MessageKey | null {
  if (roleReason(role) !== null) return roleReason(role);
  if (pool.state !== 'active') return 'reason.poolOff';
  return pool.makes_volumes ? null : 'reason.poolServer';
}

/** Why no file can be sent to a pool. */
export function uploadReason(pool: Pool, role: Role): MessageKey | null {
  return createReason(pool, role) ?? (pool.has_files ? null : 'reason.poolDevices');
}

/** Why a volume can't be read, cloned or resized. */
export function idleReason(volume: Volume, role: Role): MessageKey | null {
  return roleReason(role) ?? (volume.used_by.some((user) => user.running) ? 'reason.volumeRuns' : null);
}

export function deleteVolumeReason(volume: Volume, role: Role): MessageKey | null {
  return roleReason(role) ?? (volume.used_by.length > 0 ? 'reason.volumeUsed' : null);
}

/** Where the bytes of a volume are. */
export const contentPath = (volume: Volume): string =>
  `/api/v1/pools/${volume.pool}/volumes/${encodeURIComponent(volume.name)}/content`;

export const names = (users: readonly { name: string }[]): string => users.map((user) => user.name).join(', ');
