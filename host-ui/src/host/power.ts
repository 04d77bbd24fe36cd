// Down with the host, and up again or not.
import { api, ask } from '@/api/client';
import type { HostPowerAction } from '@/api/types';
import { Store } from '@/app/store';
import { useUntilBack } from '@/live/until-back';

const asked = new Store<{ action: HostPowerAction; at: Date } | null>(null);

/** How the host was asked to go down, until it is back; `null` when it was not. */
export function useGoingDown(): HostPowerAction | null {
  return useUntilBack(asked)?.action ?? null;
}

/** Shuts the host down or restarts it. */
export async function goDown(action: HostPowerAction): Promise<void> {
  await ask(api.POST('/api/v1/host/power', { body: { action } }));
  asked.set({ action, at: new Date() });
}
