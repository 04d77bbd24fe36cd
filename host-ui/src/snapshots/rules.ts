// The order of snapshots, and what can be done when. Pure; the daemon decides in the end.
import type { Role, Snapshot, Vm } from '@/api/types';
import type { MessageKey } from '@/i18n/translate';

export type Placed = { snapshot: Snapshot; depth: number; hasChildren: boolean };

/** Each below the one it came after; siblings oldest first. */
export function inTree(snapshots: readonly Snapshot[]): Placed[] {
  const names = new Set(snapshots.map((one) => one.name));
  const below = (parent: string | null) =>
    snapshots.filter((one) => (parent === null ? one.parent === null || !names.has(one.parent) : one.parent === parent));
  const place = (parent: string | null, depth: number): Placed[] =>
    below(parent).flatMap((snapshot) => {
      const after = place(snapshot.name, depth + 1);
      return [{ snapshot, depth, hasChildren: after.length > 0 }, ...after];
    });
  return place(null, 0);
}

/** Whether a snapshot that is taken now has memory. */
export const keepsMemory = (vm: Vm): boolean => vm.state === 'running' || vm.state === 'paused';

/** Why no snapshot can be taken now; `null` when one can. */
export function takeReason(vm: Vm, role: Role): MessageKey | null {
  if (role === 'viewer') return 'reason.viewer';
  if (vm.state === 'saved') return 'reason.saved';
  if (vm.state === 'shutting_down') return 'reason.shuttingDown';
  return vm.state === 'suspended' ? 'reason.resumeInstead' : null;
}

/** A name that is free: `snapshot-1`, `snapshot-2` … */
export function freeSnapshotName(snapshots: readonly Snapshot[]): string {
  const names = new Set(snapshots.map((one) => one.name));
  let number = snapshots.length + 1;
  while (names.has(`snapshot-${number}`)) number += 1;
  return `snapshot-${number}`;
}
