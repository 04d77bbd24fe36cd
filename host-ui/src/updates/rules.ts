// What the slots mean, and which action fits their state and which role, and why not when it doesn't. Pure.
// The daemon decides in the end; this only spares people a refusal.
import type { Role, Slot, Transfer, Updates } from '@/api/types';
import type { MessageKey } from '@/i18n/translate';

export type UpdateAction = 'upload' | 'cancel' | 'reinstall' | 'check' | 'fetch' | 'apply' | 'confirm' | 'rollback' | 'withdraw';

/** Whether a bundle is being written now. */
export const isActive = (transfer: Transfer | null): boolean =>
  transfer !== null && (transfer.state === 'receiving' || transfer.state === 'verifying');

export const runningSlot = ({ slots }: Updates): Slot | undefined => slots.find((slot) => slot.running);

/** The slot that does not run: the one that bundles are written to. */
export const otherSlot = ({ slots }: Updates): Slot | undefined => slots.find((slot) => !slot.running);

/** What a slot is for the host, in one word. */
export type SlotRole = 'confirmed' | 'trial' | 'waiting' | 'previous' | 'ready' | 'unconfirmed' | 'failed' | 'empty' | 'writing';

export function slotRole(slot: Slot, updates: Updates): SlotRole {
  if (!slot.running && isActive(updates.transfer)) return 'writing';
  if (slot.state !== 'good') return slot.state;
  if (slot.tries_left !== null) return slot.running ? 'trial' : 'waiting';
  if (slot.confirmed) return 'confirmed';
  if (slot.running) return 'unconfirmed';
  return ranBefore(slot, updates) ? 'previous' : 'ready';
}

/** Whether the version in `slot` is the one that the running one took over from. */
function ranBefore(slot: Slot, updates: Updates): boolean {
  const { last, transfer } = updates;
  if (transfer?.state === 'done') return false;
  const running = runningSlot(updates)?.name;
  return last?.outcome === 'succeeded' && last.slot === running && last.from_version === slot.version;
}

/** Whether the version in the other slot starts with the next restart. */
export const isWaiting = (updates: Updates): boolean => (otherSlot(updates)?.tries_left ?? null) !== null;

/** Why `action` can't be done by `role`; `null` when it can. */
export function whyNot(action: UpdateAction, updates: Updates, role: Role): MessageKey | null {
  if (role !== 'admin') return 'reason.admin';
  if (updates.unavailable !== null) return 'updates.unavailable';
  return stateReasons[action](updates);
}

const stateReasons: Record<UpdateAction, (updates: Updates) => MessageKey | null> = {
  upload: (updates) => {
    if (isActive(updates.transfer)) return 'updates.reason.writing';
    return otherSlot(updates)?.confirmed === true ? 'updates.reason.fallback' : null;
  },
  check: () => null,
  fetch: (updates) => {
    const offer = updates.feed?.offer ?? null;
    if (offer === null) return 'updates.reason.noOffer';
    return offer.staged ? 'updates.reason.staged' : stateReasons.upload(updates);
  },
  reinstall: (updates) => stateReasons.upload(updates),
  cancel: ({ transfer }) => (transfer?.state === 'verifying' ? 'updates.reason.verifying' : null),
  apply: (updates) => {
    const slot = otherSlot(updates);
    if (isActive(updates.transfer)) return 'updates.reason.writing';
    if (slot?.state === 'failed') return 'updates.reason.failed';
    if (slot?.state !== 'good') return 'updates.reason.empty';
    return slot.confirmed || ranBefore(slot, updates) ? 'updates.reason.useRollback' : null;
  },
  confirm: (updates) => {
    const slot = runningSlot(updates);
    if (slot?.confirmed === true) return 'updates.reason.confirmed';
    return slot?.state === 'good' && slot.tries_left !== null ? null : 'updates.reason.notOnTrial';
  },
  withdraw: (updates) => (isWaiting(updates) ? null : 'updates.reason.notOnTrial'),
  rollback: (updates) => {
    const slot = otherSlot(updates);
    if (isActive(updates.transfer)) return 'updates.reason.writing';
    if (slot?.state !== 'good') return 'updates.reason.noWayBack';
    return slot.confirmed || ranBefore(slot, updates) ? null : 'updates.reason.useApply';
  },
};

/**
 * Where an upload of a file of `size` bytes starts: where the one that broke off stopped, if it can be the
 * same file; else at its beginning.
 */
export function resumeOffset(transfer: Transfer | null, size: number): number {
  const same = transfer?.state === 'interrupted' && transfer.total_bytes === size;
  return same && transfer.received_bytes < size ? transfer.received_bytes : 0;
}
