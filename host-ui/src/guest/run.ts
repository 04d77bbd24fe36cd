// Runs a command line in a guest, by the shell that its system has, and fetches what it wrote.
import { api, ask } from '@/api/client';
import type { Schemas } from '@/api/types';

type Status = Schemas['GuestExecStatus'];

export type Ended = { code: number | null; signal: number | null; stdout: string; stderr: string; truncated: boolean };

const firstLookMs = 100;
const longestLookMs = 2_000;

/** The shell of a system, by its agent's name for it. */
export function shellFor(os: string | null | undefined, line: string): { path: string; args: string[] } {
  return os === 'mswindows' ? { path: 'cmd.exe', args: ['/c', line] } : { path: '/bin/sh', args: ['-c', line] };
}

const text = (base64: string): string =>
  new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));

/** Waits for its end; the command goes on when nobody waits any more. */
export async function runInGuest(vm: string, command: { path: string; args: string[] }, signal: AbortSignal): Promise<Ended> {
  const params = { path: { id: vm } };
  const { pid } = await ask(api.POST('/api/v1/vms/{id}/guest/exec', { signal, params, body: { ...command, env: [], input: '' } }));
  let pause = firstLookMs;
  for (;;) {
    const status: Status = await ask(
      api.GET('/api/v1/vms/{id}/guest/exec/{pid}', { signal, params: { path: { id: vm, pid } } }),
    );
    if (status.exited) {
      return {
        code: status.exit_code ?? null,
        signal: status.signal ?? null,
        stdout: text(status.stdout),
        stderr: text(status.stderr),
        truncated: status.truncated,
      };
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    signal.throwIfAborted();
    pause = Math.min(longestLookMs, pause * 2);
  }
}
