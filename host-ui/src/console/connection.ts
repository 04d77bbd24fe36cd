// One VM's serial line over a WebSocket: asks for a ticket, connects, connects again. Owns the connection's
// state; knows no terminal and no component.
//
//   connecting ─open▶ open ─close▶ waiting ─delay▶ connecting …       close(): back to idle for good
//        └───────refused or no answer──▶ waiting
import { api, ask } from '@/api/client';
import { Store } from '@/app/store';

export type ConsoleState =
  | { kind: 'idle' }
  | { kind: 'connecting' }
  | { kind: 'open' }
  /** Another try follows. `closed`: the line stood and was closed. `refused`: it never stood, and a browser
   *  doesn't tell why. Anything else is the error of asking for a ticket. */
  | { kind: 'waiting'; reason: 'closed' | 'refused' | Error };

const firstDelayMs = 500;
const longestDelayMs = 8_000;
/** A line that held this long was a good one: the next try comes soon again. */
const stableAfterMs = 5_000;

export class SerialConnection {
  readonly state = new Store<ConsoleState>({ kind: 'idle' });
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #closed = true;

  constructor(
    private readonly vmId: string,
    private readonly onOutput: (bytes: Uint8Array) => void,
  ) {}

  open(): void {
    if (!this.#closed) return;
    this.#closed = false;
    void this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
    this.state.set({ kind: 'idle' });
  }

  /** Ends the pause between two tries. */
  retry(): void {
    if (this.state.get().kind !== 'waiting') return;
    clearTimeout(this.#timer);
    void this.#connect();
  }

  /** Types into the VM. What is typed while there is no line is lost, as on a real one. */
  send(text: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(new TextEncoder().encode(text));
  }

  async #connect(): Promise<void> {
    this.state.set({ kind: 'connecting' });
    try {
      const { ticket } = await ask(
        api.POST('/api/v1/vms/{id}/console', { params: { path: { id: this.vmId } }, body: { type: 'serial' } }),
      );
      if (!this.#closed) this.#attach(ticket);
    } catch (error) {
      this.#wait(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #attach(ticket: string): void {
    const url = new URL(`/api/v1/vms/${this.vmId}/console`, location.href);
    url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
    url.searchParams.set('ticket', ticket);
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    let openedAt: number | null = null;
    socket.addEventListener('open', () => {
      openedAt = performance.now();
      this.state.set({ kind: 'open' });
    });
    socket.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer) this.onOutput(new Uint8Array(data));
    });
    socket.addEventListener('close', () => {
      if (this.#socket !== socket) return;
      if (openedAt !== null && performance.now() - openedAt > stableAfterMs) this.#failures = 0;
      this.#wait(openedAt === null ? 'refused' : 'closed');
    });
    this.#socket = socket;
  }

  #wait(reason: 'closed' | 'refused' | Error): void {
    if (this.#closed) return;
    this.#socket = null;
    this.state.set({ kind: 'waiting', reason });
    this.#timer = setTimeout(() => void this.#connect(), Math.min(longestDelayMs, firstDelayMs * 2 ** this.#failures));
    this.#failures += 1;
  }
}
