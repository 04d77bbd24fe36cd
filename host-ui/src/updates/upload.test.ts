// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { queryClient, updatesQuery } from '@/api/queries';
import type { Updates } from '@/api/types';
import { applyEvent } from '@/live/apply';
import { live } from '@/live/live';
import { FakeUpload } from '@/testing/fake-upload';
import { aSlot, aTransfer, someUpdates, theRunningSlot } from '@/testing/samples';
import { bundleUpload, cancelBundle, dismissBundle, startBundle } from './upload';

const file = new File([new Uint8Array(100)], 'quantix-os-0.2.0.qxu');
const staged = someUpdates({ slots: [theRunningSlot(), aSlot()], transfer: aTransfer({ state: 'done' }) });
const interrupted = (received: number) =>
  someUpdates({ transfer: aTransfer({ state: 'interrupted', received_bytes: received, total_bytes: 100 }) });
const rejected = (detail: string) => ({ title: 'Unprocessable', status: 422, detail });

/** What `GET /api/v1/updates` answers; `null` is a host that does not answer. */
let daemon: Updates | null;

beforeEach(() => {
  daemon = someUpdates();
  FakeUpload.sent = [];
  queryClient.clear();
  live.state.set({ kind: 'open' });
  vi.stubGlobal('XMLHttpRequest', FakeUpload);
  vi.stubGlobal('fetch', () => (daemon === null ? Promise.reject(new TypeError('Failed to fetch')) : Promise.resolve(Response.json(daemon))));
});
afterEach(() => {
  cancelBundle();
  dismissBundle();
  vi.unstubAllGlobals();
});

/** The upload's request number `n`, from 1, once it is sent. */
async function request(n: number): Promise<FakeUpload> {
  await vi.waitFor(() => expect(FakeUpload.sent).toHaveLength(n), { timeout: 5_000 });
  return FakeUpload.sent[n - 1] as FakeUpload;
}

/** The daemon's state changes, and it says so. */
function change(updates: Updates): void {
  daemon = updates;
  applyEvent(queryClient, { seq: 1, time: '', type: 'updates.changed', vm: null, vm_id: null, image: null, task: null });
}

test('a bundle is sent whole, with its progress, and the answer is what the page shows next', async () => {
  const done = startBundle(file);
  const first = await request(1);
  expect(first.path).toBe('PUT /api/v1/updates/upload');
  expect(first.bytes).toBe(100);
  expect(first.headers['Upload-Offset']).toBeUndefined();
  first.progress(60);
  expect(bundleUpload.get()).toMatchObject({ state: 'sending', sentBytes: 60 });
  first.answer(200, staged);
  await done;
  expect(bundleUpload.get()).toBeNull();
  expect(queryClient.getQueryData(updatesQuery.queryKey)).toEqual(staged);
});

test('the same file, chosen again after a break, goes on where the daemon stopped', async () => {
  daemon = interrupted(40);
  void startBundle(file);
  const first = await request(1);
  expect(first.headers['Upload-Offset']).toBe('40');
  expect(first.bytes).toBe(60);
  first.progress(10);
  expect(bundleUpload.get()?.sentBytes).toBe(50);
});

test('another file starts from its beginning', async () => {
  daemon = interrupted(40);
  void startBundle(new File([new Uint8Array(99)], 'other.qxu'));
  const first = await request(1);
  expect(first.headers['Upload-Offset']).toBeUndefined();
  expect(first.bytes).toBe(99);
});

test('after a break the rest is sent by itself, once the daemon is back and has noticed', async () => {
  const done = startBundle(file);
  const first = await request(1);
  first.progress(70);
  daemon = null;
  live.state.set({ kind: 'lost', attempt: 1 });
  first.breakOff();
  await vi.waitFor(() => expect(bundleUpload.get()?.state).toBe('waiting'));
  daemon = someUpdates({ transfer: aTransfer({ received_bytes: 64, total_bytes: 100 }) });
  live.state.set({ kind: 'open' });
  await vi.waitFor(() => expect(queryClient.getQueryData(updatesQuery.queryKey)).toEqual(daemon), { timeout: 5_000 });
  expect(FakeUpload.sent).toHaveLength(1);
  change(interrupted(64));
  const second = await request(2);
  expect(second.headers['Upload-Offset']).toBe('64');
  expect(second.bytes).toBe(36);
  expect(bundleUpload.get()).toMatchObject({ state: 'sending', sentBytes: 64 });
  second.answer(200, staged);
  await done;
  expect(bundleUpload.get()).toBeNull();
});

test('a lost answer to a bundle that has arrived is no reason to send it again', async () => {
  const done = startBundle(file);
  const first = await request(1);
  daemon = staged;
  first.breakOff();
  await done;
  expect(FakeUpload.sent).toHaveLength(1);
  expect(bundleUpload.get()).toBeNull();
});

test('a line that breaks again and again without a byte gained is left to the person', async () => {
  vi.useFakeTimers();
  const done = startBundle(file);
  for (let n = 1; n <= 6; n += 1) {
    while (FakeUpload.sent.length < n) await vi.advanceTimersByTimeAsync(500);
    FakeUpload.sent[n - 1]?.breakOff();
  }
  await vi.advanceTimersByTimeAsync(10_000);
  await done;
  vi.useRealTimers();
  expect(FakeUpload.sent).toHaveLength(6);
  expect(bundleUpload.get()).toMatchObject({ state: 'failed', file });
});

test('a line on which nothing moves any more is cut, and the upload goes on', async () => {
  vi.useFakeTimers();
  void startBundle(file);
  while (FakeUpload.sent.length < 1) await vi.advanceTimersByTimeAsync(10);
  FakeUpload.sent[0]?.progress(40);
  daemon = interrupted(40);
  while (FakeUpload.sent.length < 2) await vi.advanceTimersByTimeAsync(1_000);
  vi.useRealTimers();
  expect(FakeUpload.sent[0]?.aborted).toBe(true);
  expect(FakeUpload.sent[1]?.headers['Upload-Offset']).toBe('40');
});

test('cancelling stops it, keeps the file at hand, and sends nothing more', async () => {
  const done = startBundle(file);
  const first = await request(1);
  first.progress(40);
  cancelBundle();
  await done;
  expect(first.aborted).toBe(true);
  expect(bundleUpload.get()).toMatchObject({ state: 'stopped', file });
  daemon = interrupted(40);
  void startBundle(file);
  expect((await request(2)).headers['Upload-Offset']).toBe('40');
});

test('cancelling works while the connection is away, too', async () => {
  const done = startBundle(file);
  const first = await request(1);
  live.state.set({ kind: 'lost', attempt: 1 });
  first.breakOff();
  await vi.waitFor(() => expect(bundleUpload.get()?.state).toBe('waiting'));
  cancelBundle();
  await done;
  expect(bundleUpload.get()?.state).toBe('stopped');
  expect(FakeUpload.sent).toHaveLength(1);
});

test('a refusal is kept in the daemon’s words, unless the transfer tells them', async () => {
  let done = startBundle(file);
  (await request(1)).answer(409, rejected('Another bundle is being written.'));
  await done;
  expect(bundleUpload.get()).toMatchObject({ state: 'failed', error: { message: 'Another bundle is being written.' } });

  done = startBundle(file);
  const problem = 'The signature is wrong.';
  const second = await request(2);
  daemon = someUpdates({ transfer: aTransfer({ state: 'failed', problem }) });
  second.answer(422, rejected('A field is wrong.'));
  await done;
  expect(bundleUpload.get()).toBeNull();
});

test('a second file waits for its turn: the one that is sent goes on', async () => {
  void startBundle(file);
  await request(1);
  await startBundle(new File([], 'second.qxu'));
  expect(bundleUpload.get()?.file).toBe(file);
  expect(FakeUpload.sent).toHaveLength(1);
});
