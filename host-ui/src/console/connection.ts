// One of a VM's consoles over a WebSocket: asks for a ticket, connects, connects again. Owns the connection's
// state; what speaks over it, a terminal or a screen, is attached by the one who makes it.
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

export type ConsoleKind = 'serial' | 'vnc';

/** What is told by whoever speaks over the WebSocket: `opened` once at most, `closed` once. */
export type Told = { opened: () => void; closed: () => void };
/** Connects to the WebSocket at `url`; the answer hangs up. */
export type Attach = (url: URL, told: Told) => () => void;

const firstDelayMs = 500;
const longestDelayMs = 8_000;
/** A line that held this long was a good one: the next try comes soon again. */
const stableAfterMs = 5_000;

export class ConsoleConnection {
  readonly state = new Store<ConsoleState>({ kind: 'idle' });
  #hangUp: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  /** Counts calls of `open` and `close`: what an earlier one began has no say any more. */
  #era = 0;
  #closed = true;

  constructor(
    private readonly vmId: string,
    private readonly kind: ConsoleKind,
    private readonly attach: Attach,
  ) {}

  open(): void {
    if (!this.#closed) return;
    this.#closed = false;
    this.#era += 1;
    this.#failures = 0;
    void this.#connect();
  }

  close(): void {
    this.#closed = true;
    this.#era += 1;
    clearTimeout(this.#timer);
    const hangUp = this.#hangUp;
    this.#hangUp = null;
    hangUp?.();
    this.state.set({ kind: 'idle' });
  }

  /** Ends the pause between two tries. */
  retry(): void {
    if (this.state.get().kind !== 'waiting') return;
    clearTimeout(this.#timer);
    void this.#connect();
  }

  async #connect(): Promise<void> {
    const era = this.#era;
    this.state.set({ kind: 'connecting' });
    try {
      const { ticket } = await ask(
        api.POST('/api/v1/vms/{id}/console', { params: { path: { id: this.vmId } }, body: { type: this.kind } }),
      );
      if (era === this.#era) this.#begin(ticket);
    } catch (error) {
      if (era === this.#era) this.#wait(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #begin(ticket: string): void {
    const url = new URL(`/api/v1/vms/${this.vmId}/console`, location.href);
    url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
    url.searchParams.set('ticket', ticket);
    const era = this.#era;
    let openedAt: number | null = null;
    this.#hangUp = this.attach(url, {
      opened: () => {
        if (era !== this.#era) return;
        openedAt = performance.now();
        this.state.set({ kind: 'open' });
      },
      closed: () => {
        if (era !== this.#era) return;
        if (openedAt !== null && performance.now() - openedAt > stableAfterMs) this.#failures = 0;
        this.#wait(openedAt === null ? 'refused' : 'closed');
      },
    });
  }

  #wait(reason: 'closed' | 'refused' | Error): void {
    this.#hangUp = null;
    this.state.set({ kind: 'waiting', reason });
    this.#timer = setTimeout(() => void this.#connect(), Math.min(longestDelayMs, firstDelayMs * 2 ** this.#failures));
    this.#failures += 1;
  }
}
