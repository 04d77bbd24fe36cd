// Holds the event stream open: connects, notices silence, reconnects. Owns the connection's state; what an
// event means is the callback's business.
//
//   idle ─start▶ connecting ─answer▶ open ─end, silence▶ lost ─delay or retry()▶ connecting …
//                    └──────────no answer────────────────▶ lost          (401: back to idle)
import { Store } from '@/app/store';
import type { LiveEvent } from '@/api/types';
import { SseParser } from './sse';

export type LiveState =
  | { kind: 'idle' }
  | { kind: 'connecting' }
  | { kind: 'open' }
  /** `attempt` counts from 1 and falls back to 1 after each success. */
  | { kind: 'lost'; attempt: number };

type Callbacks<T> = {
  /** The stream is open: what was read before may have missed changes. */
  onOpen: () => void;
  onEvent: (event: T) => void;
  /** The daemon refused the session. */
  onRefused: () => void;
};

/** The daemon sends a comment at least every 15 s; three missed ones mean that the line is dead. */
const silenceLimitMs = 45_000;
const firstDelayMs = 500;
const longestDelayMs = 5_000;

/** Pause before try number `attempt`: doubling, at most 5 s, so that a rebooted host is noticed soon. */
export function retryDelay(attempt: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (attempt - 1));
}

/** A stream of `T`, one JSON document each. */
export class LiveStream<T = LiveEvent> {
  readonly state = new Store<LiveState>({ kind: 'idle' });
  #abort: AbortController | null = null;
  #line: AbortController | null = null;
  #wake: (() => void) | null = null;

  constructor(
    private readonly url: string,
    private readonly callbacks: Callbacks<T>,
  ) {}

  /** Connects and stays connected until `stop`. Does nothing when already started. */
  start(): void {
    if (this.#abort !== null) return;
    this.#abort = new AbortController();
    void this.#run(this.#abort.signal);
  }

  stop(): void {
    this.#abort?.abort();
    this.#abort = null;
    this.#wake?.();
    this.state.set({ kind: 'idle' });
  }

  /** Ends the pause between two tries. */
  retry(): void {
    this.#wake?.();
  }

  /** Gives the present connection up for a new one, because the way to the host may be another one now. */
  renew(): void {
    this.#line?.abort();
    this.#wake?.();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    while (!signal.aborted) {
      if (attempt === 0) this.state.set({ kind: 'connecting' });
      const outcome = await this.#connect(signal).catch(() => 'failed' as const);
      if (signal.aborted) return;
      if (outcome === 'refused') {
        this.stop();
        this.callbacks.onRefused();
        return;
      }
      attempt = outcome === 'ended' ? 1 : attempt + 1;
      this.state.set({ kind: 'lost', attempt });
      await this.#pause(retryDelay(attempt));
    }
  }

  /** One connection from request to end: `refused` is a 401, `ended` one that had been open. */
  async #connect(signal: AbortSignal): Promise<'refused' | 'ended' | 'failed'> {
    const line = new AbortController();
    this.#line = line;
    const watch = new Watchdog(silenceLimitMs, () => line.abort());
    const cut = () => line.abort();
    signal.addEventListener('abort', cut, { once: true });
    let opened = false;
    try {
      const headers = { accept: 'text/event-stream' };
      const response = await fetch(this.url, { headers, cache: 'no-store', signal: line.signal });
      if (response.status === 401) return 'refused';
      if (!response.ok || response.body === null) return 'failed';
      opened = true;
      this.state.set({ kind: 'open' });
      this.callbacks.onOpen();
      await this.#read(response.body, watch);
    } catch {
      // The line broke, or we cut it: the caller tries again either way.
    } finally {
      watch.stop();
      signal.removeEventListener('abort', cut);
    }
    return opened ? 'ended' : 'failed';
  }

  async #read(body: ReadableStream<Uint8Array>, watch: Watchdog): Promise<void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const parser = new SseParser();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      watch.feed();
      for (const message of parser.push(decoder.decode(value, { stream: true }))) {
        this.callbacks.onEvent(JSON.parse(message.data) as T);
      }
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Calls back once nothing has fed it for a while. */
class Watchdog {
  #timer: ReturnType<typeof setTimeout>;

  constructor(
    private readonly limitMs: number,
    private readonly onSilence: () => void,
  ) {
    this.#timer = setTimeout(onSilence, limitMs);
  }

  feed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.onSilence, this.limitMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
