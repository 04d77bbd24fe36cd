// The bundle that this browser sends. It goes on while the person is on another page, so it lives outside
// React, and by itself after the connection broke:
//
//   sending ─▶ (gone: the daemon has it)      sending ─▶ failed    (the daemon said no)
//      │ ▲
//      ▼ │ the host answers again             sending, waiting ─▶ stopped   (the person cancelled it)
//   waiting
import { ApiError, UnreachableError } from '@/api/problem';
import { putFile } from '@/api/put-file';
import { queryClient, updatesQuery } from '@/api/queries';
import type { Transfer, Updates } from '@/api/types';
import { Store } from '@/app/store';
import { live } from '@/live/live';
import { retryDelay } from '@/live/stream';
import { Rate } from './rate';
import { isActive, resumeOffset } from './rules';

export type BundleUpload = {
  file: File;
  state: 'sending' | 'waiting' | 'stopped' | 'failed';
  /** From the file's beginning, also when only its rest is sent. */
  sentBytes: number;
  bytesPerSecond: number | null;
  /** `null` unless it failed. */
  error: unknown;
};

export const bundleUpload = new Store<BundleUpload | null>(null);

/** Breaks in a row without a byte gained, after which the person decides. */
const mostBreaks = 5;
/** A line on which nothing moves for so long is dead. */
const stallMs = 60_000;

let abort: AbortController | null = null;

const patch = (part: Partial<BundleUpload>) => {
  const upload = bundleUpload.get();
  if (upload !== null) bundleUpload.set({ ...upload, ...part });
};

export const isSending = (upload: BundleUpload | null): boolean =>
  upload?.state === 'sending' || upload?.state === 'waiting';

/** Sends a bundle; the rest of it, if the daemon has its beginning. Does nothing while another one is sent. */
export async function startBundle(file: File): Promise<void> {
  if (isSending(bundleUpload.get())) return;
  const { signal } = (abort = new AbortController());
  bundleUpload.set({ file, state: 'sending', sentBytes: 0, bytesPerSecond: null, error: null });
  try {
    await sendAll(file, signal);
    bundleUpload.set(null);
  } catch (error) {
    const transfer = signal.aborted ? null : await transferNow().catch(() => null);
    if (transfer?.state === 'failed' && wasTaken(error)) bundleUpload.set(null);
    else patch(signal.aborted ? { state: 'stopped' } : { state: 'failed', error });
  }
}

/** Whether the daemon looked at the bundle before it said no: the transfer then tells why, and better. */
const wasTaken = (error: unknown) => error instanceof ApiError && error.status !== 401 && error.status !== 403;

/** Stops the upload. What the daemon has of it stays there for some minutes. */
export function cancelBundle(): void {
  abort?.abort();
}

/** Forgets an upload that failed. */
export function dismissBundle(): void {
  if (!isSending(bundleUpload.get())) bundleUpload.set(null);
}

/** Resolves once the daemon has done with the bundle, whatever came of it. */
async function sendAll(file: File, signal: AbortSignal): Promise<void> {
  let offset = resumeOffset(await transferNow(), file.size);
  for (let breaks = 0; ; ) {
    signal.throwIfAborted();
    try {
      queryClient.setQueryData(updatesQuery.queryKey, await sendFrom(offset, file, signal));
      return;
    } catch (error) {
      // The daemon may see the old connection longer than we do, or have more than it told.
      const again = offset > 0 || breaks > 0;
      breaks += 1;
      const broke = error instanceof UnreachableError || (again && error instanceof ApiError && error.status === 409);
      if (signal.aborted || !broke || breaks > mostBreaks) throw error;
    }
    patch({ state: 'waiting', bytesPerSecond: null });
    const transfer = await afterBreak(signal);
    // Only the answer was lost.
    if (transfer?.state === 'done' || transfer?.state === 'failed') return;
    const next = resumeOffset(transfer, file.size);
    if (next > offset) breaks = 0;
    offset = next;
  }
}

async function sendFrom(offset: number, file: File, signal: AbortSignal): Promise<Updates> {
  const body = offset === 0 ? file : file.slice(offset);
  const headers: Record<string, string> = offset === 0 ? {} : { 'Upload-Offset': String(offset) };
  const line = new AbortController();
  const cut = () => line.abort();
  const rate = new Rate();
  let watch = setTimeout(cut, stallMs);
  const onProgress = (sent: number) => {
    clearTimeout(watch);
    if (sent < body.size) watch = setTimeout(cut, stallMs);
    rate.add(sent, performance.now());
    patch({ sentBytes: offset + sent, bytesPerSecond: rate.perSecond() });
  };
  patch({ state: 'sending', sentBytes: offset });
  signal.addEventListener('abort', cut, { once: true });
  try {
    return (await putFile('/api/v1/updates/upload', body, { headers, onProgress, signal: line.signal })) as Updates;
  } catch (error) {
    if (line.signal.aborted && !signal.aborted) throw new UnreachableError('the upload stood still', { cause: error });
    throw error;
  } finally {
    clearTimeout(watch);
    signal.removeEventListener('abort', cut);
  }
}

/** What the daemon says about the bundle once it answers again and has noticed the break itself. */
async function afterBreak(signal: AbortSignal): Promise<Transfer | null> {
  for (let attempt = 1; ; attempt += 1) {
    await until(signal, (done) => {
      const timer = setTimeout(done, retryDelay(attempt));
      return () => clearTimeout(timer);
    });
    await connected(signal);
    try {
      let transfer = await transferNow();
      while (isActive(transfer)) {
        await changed(signal);
        transfer = await transferNow();
      }
      return transfer;
    } catch (error) {
      if (signal.aborted || error instanceof ApiError) throw error;
    }
  }
}

async function transferNow(): Promise<Transfer | null> {
  return (await queryClient.fetchQuery({ ...updatesQuery, staleTime: 0, retry: false })).transfer;
}

/** Resolves once the event stream is open. */
function connected(signal: AbortSignal): Promise<void> {
  return until(signal, (done) => {
    const look = () => {
      if (live.state.get().kind === 'open') done();
    };
    const unsubscribe = live.state.subscribe(look);
    look();
    return unsubscribe;
  });
}

/** Resolves with the next news about updates. */
function changed(signal: AbortSignal): Promise<void> {
  const [key] = updatesQuery.queryKey;
  return until(signal, (done) =>
    queryClient.getQueryCache().subscribe((event) => {
      if (event.type !== 'updated' || event.query.queryKey[0] !== key) return;
      if (event.action.type === 'invalidate' || event.action.type === 'success') done();
    }),
  );
}

/** Resolves when `begin` calls back, rejects when the signal is aborted; what `begin` answers cleans up. */
function until(signal: AbortSignal, begin: (done: () => void) => () => void): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    signal.throwIfAborted();
    const settle = (end: () => void) => () => {
      // Not before `begin` has answered: it may call back at once.
      queueMicrotask(() => cleanUp());
      signal.removeEventListener('abort', onAbort);
      end();
    };
    const onAbort = settle(() => reject(signal.reason as Error));
    signal.addEventListener('abort', onAbort, { once: true });
    const cleanUp = begin(settle(resolve));
  });
}
