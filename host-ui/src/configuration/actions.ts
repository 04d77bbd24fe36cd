// What is asked of the daemon, and what it led to: after a restore or a reset the host restarts.
import { api, ask } from '@/api/client';
import { problemFrom } from '@/api/problem';
import type { HostRestored, ResetScope } from '@/api/types';
import { Store } from '@/app/store';
import { useUntilBack } from '@/live/until-back';
import { saveAnswer } from '@/ui/save-file';

export type Restart = { kind: 'restore'; done: HostRestored } | { kind: 'reset'; scope: ResetScope };

const asked = new Store<(Restart & { at: Date }) | null>(null);

/** Why the host restarts, until it is back; `null` when it does not. */
export function useRestart(): Restart | null {
  return useUntilBack(asked);
}

/** Makes a backup and hands it to the browser. Resolves with its name; without a passphrase it is readable. */
export async function backUp(passphrase: string | null): Promise<string> {
  const body = passphrase === null ? { unencrypted: true } : { passphrase };
  const { data, error, response } = await api.POST('/api/v1/host/backup', { body, parseAs: 'blob' });
  if (!response.ok) throw problemFrom(response.status, error);
  return saveAnswer(response, data as Blob, 'quantix-backup');
}

export type RestoreWish = { passphrase: string | null; skipNetwork: boolean; sameMachine: boolean };

/** Restarts the host with what is in a backup. */
export async function restore(file: File, { passphrase, skipNetwork, sameMachine }: RestoreWish): Promise<void> {
  const done = await ask(
    api.POST('/api/v1/host/restore', {
      params: {
        query: { skip_network: skipNetwork, same_machine: sameMachine },
        header: passphrase === null ? {} : { 'Backup-Passphrase': encodeURIComponent(passphrase) },
      },
      headers: { 'Content-Type': 'application/octet-stream' },
      body: file,
      bodySerializer: (content) => content as Blob,
    }),
  );
  asked.set({ kind: 'restore', done, at: new Date() });
}

/** Restarts the host as it was after its installation; `confirm` is its name as typed. */
export async function reset(scope: ResetScope, confirm: string): Promise<void> {
  await ask(api.POST('/api/v1/host/reset', { body: { scope, confirm } }));
  asked.set({ kind: 'reset', scope, at: new Date() });
}
