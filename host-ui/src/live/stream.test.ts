import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveStream, retryDelay } from './stream';

type Line = { send: (text: string) => void; end: () => void; aborted: () => boolean };

/** Answers each request with the next of `answers`: a status, or `null` for no answer. */
function fakeDaemon(answers: (number | null)[]): Line[] {
  const lines: Line[] = [];
  vi.stubGlobal('fetch', (_url: string, { signal }: { signal: AbortSignal }) => {
    const status = answers.shift() ?? null;
    if (status === null) return Promise.reject(new TypeError('network'));
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        signal.addEventListener('abort', () => controller.error(new Error('aborted')));
        lines.push({
          send: (text) => controller.enqueue(new TextEncoder().encode(text)),
          end: () => controller.close(),
          aborted: () => signal.aborted,
        });
      },
    });
    return Promise.resolve(new Response(body, { status }));
  });
  return lines;
}

const calls = { onOpen: vi.fn(), onEvent: vi.fn(), onRefused: vi.fn() };
let stream: LiveStream;

beforeEach(() => {
  vi.useFakeTimers();
  stream = new LiveStream('/api/v1/events', calls);
});
afterEach(() => {
  stream.stop();
  vi.clearAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

test('events reach the callback in order', async () => {
  const [line] = [fakeDaemon([200])];
  stream.start();
  await settle();
  line[0]?.send('data: {"seq":1}\n\ndata: {"seq":2}\n\n');
  await settle();
  expect(calls.onOpen).toHaveBeenCalledOnce();
  expect(calls.onEvent.mock.calls.map(([event]) => event.seq)).toEqual([1, 2]);
});

test('a lost line is opened again by itself, and says so', async () => {
  const lines = fakeDaemon([200, null, 200]);
  stream.start();
  await settle();
  lines[0]?.end();
  await settle();
  expect(stream.state.get()).toEqual({ kind: 'lost', attempt: 1 });
  await vi.advanceTimersByTimeAsync(retryDelay(1));
  expect(stream.state.get()).toEqual({ kind: 'lost', attempt: 2 });
  await vi.advanceTimersByTimeAsync(retryDelay(2));
  expect(stream.state.get()).toEqual({ kind: 'open' });
  expect(calls.onOpen).toHaveBeenCalledTimes(2);
});

test('retry ends the pause at once', async () => {
  const lines = fakeDaemon([null, 200]);
  stream.start();
  await settle();
  expect(lines).toHaveLength(0);
  stream.retry();
  await settle();
  expect(stream.state.get()).toEqual({ kind: 'open' });
});

test('a line that has gone silent is given up; a comment keeps it', async () => {
  const lines = fakeDaemon([200, 200]);
  stream.start();
  await settle();
  await vi.advanceTimersByTimeAsync(40_000);
  lines[0]?.send(':\n\n');
  await vi.advanceTimersByTimeAsync(40_000);
  expect(stream.state.get()).toEqual({ kind: 'open' });
  await vi.advanceTimersByTimeAsync(6_000);
  expect(lines[0]?.aborted()).toBe(true);
  expect(lines).toHaveLength(2);
});

test('a line that is given up for a new one is not waited for', async () => {
  const lines = fakeDaemon([200, 200]);
  stream.start();
  await settle();
  stream.renew();
  await vi.advanceTimersByTimeAsync(retryDelay(1));
  expect(lines[0]?.aborted()).toBe(true);
  expect(lines).toHaveLength(2);
  expect(stream.state.get()).toEqual({ kind: 'open' });
});

test('a refused session ends the stream and is reported', async () => {
  fakeDaemon([401]);
  stream.start();
  await settle();
  expect(calls.onRefused).toHaveBeenCalledOnce();
  expect(stream.state.get()).toEqual({ kind: 'idle' });
});

test('the pause grows to five seconds and no further', () => {
  expect([1, 2, 3, 4, 5, 50].map(retryDelay)).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
});
