// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { act, cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { vmsQuery } from '@/api/queries';
import { ApiError } from '@/api/problem';
import type { Role, Updates } from '@/api/types';
import { lastOpen } from '@/live/live';
import { FakeUpload } from '@/testing/fake-upload';
import { letDialogsOpen } from '@/testing/dialogs';
import { renderPage } from '@/testing/render';
import { aFeed, aLastUpdate, aSlot, aTransfer, aVm, someUpdates, theRunningSlot } from '@/testing/samples';
import { bundleUpload } from './upload';
import { UpdatesContent } from './updates-page';

const failure = { reason: 'network', detail: 'the management network did not come up' } as const;
const why = 'The management network did not come up.';
const staged = someUpdates({ slots: [theRunningSlot(), aSlot()], transfer: aTransfer({ state: 'done' }) });
const trial = someUpdates({
  slots: [theRunningSlot({ running: false }), aSlot({ running: true, tries_left: 2 })],
  last: aLastUpdate({ outcome: 'on_trial' }),
});
const bundle = new File([new Uint8Array(100)], 'quantix-os-0.2.0.qxu');

/** What was asked of the daemon apart from reading: path and body. */
let asked: [path: string, body: unknown][];

beforeEach(() => {
  asked = [];
  letDialogsOpen();
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  bundleUpload.set(null);
});

type Problem = { status: number; title: string; detail: string };

/** The page of a host whose updates stand at `updates` and which answers `answer` to everything it is told. */
async function show(updates: Updates | Problem, { role = 'admin' as Role, answer = updates } = {}) {
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  cache.setQueryData(vmsQuery.queryKey, [aVm({ state: 'running' }), aVm()]);
  vi.stubGlobal('fetch', async (request: Request) => {
    if (request.method === 'GET') return respond(updates);
    asked.push([new URL(request.url).pathname, await request.json().catch(() => null)]);
    return respond(answer);
  });
  return renderPage(<UpdatesContent role={role} />, cache);
}
const respond = (body: Updates | Problem) => Response.json(body, { status: 'status' in body ? body.status : 200 });

const slot = async (name: 'A' | 'B') => within(await screen.findByRole('listitem', { name: `Slot ${name}` }));
const button = (name: string) => screen.getByRole('button', { name });
const isOff = (name: string) => button(name).getAttribute('aria-disabled') === 'true';
/** Why a button is off. */
const reason = (name: string) => document.getElementById(button(name).getAttribute('aria-describedby') ?? '')?.textContent;

test('a host that can’t be updated says why in the daemon’s words, and offers nothing', async () => {
  await show(someUpdates({ slots: [], unavailable: 'This is a live system. Install it first.' }));
  await screen.findByText('This host can’t be updated');
  expect(screen.getByText('This is a live system. Install it first.')).toBeDefined();
  expect(screen.queryAllByRole('button')).toEqual([]);
});

test('a fresh host shows what runs, an empty slot, and that nothing has happened yet', async () => {
  await show(someUpdates());
  const a = await slot('A');
  for (const text of ['Running', 'Confirmed', '0.1.0', 'Build 0123456789abcdef']) a.getByText(text);
  (await slot('B')).getByText('Empty');
  screen.getByText('This host has not been updated yet.');
  expect(reason('Restart into this version')).toContain('Upload a bundle first');
  expect(reason('Keep this version')).toContain('confirmed already');
  expect(reason('Roll back')).toContain('no version to go back to');
  expect(isOff('Choose a bundle')).toBe(false);
});

test.each<Role>(['viewer', 'operator'])('%s sees everything, with every control off and the reason on it', async (role) => {
  await show(trial, { role });
  (await slot('B')).getByText('On trial, 2 tries left');
  for (const name of ['Keep this version', 'Roll back', 'Restart into this version', 'Choose a bundle']) {
    expect(reason(name)).toBe('Only an administrator may do this.');
  }
});

test('a failed version and a failed update say why in the daemon’s words', async () => {
  const slots = [theRunningSlot(), aSlot({ state: 'failed', failure })];
  await show(someUpdates({ slots, last: aLastUpdate({ outcome: 'failed', failure }) }));
  const b = await slot('B');
  b.getByText('Failed');
  b.getByText(why);
  const last = within(screen.getByRole('region', { name: 'Last update' }));
  last.getByText('0.1.0 → 0.2.0');
  last.getByText(why);
  last.getByText('The host went back to 0.1.0.');
});

test('a version that is ready is started now, after a question that names it and what goes with it', async () => {
  const answer = { ...staged, slots: [theRunningSlot(), aSlot({ tries_left: 3 })], last: aLastUpdate({ outcome: 'waiting' as const }) };
  await show(staged, { answer });
  await screen.findByText('0.2.0 is ready');
  fireEvent.click(button('Restart into this version'));
  const dialog = within(screen.getByRole('dialog', { name: 'Restart into 0.2.0?' }));
  dialog.getByText(/goes back to 0\.1\.0 by itself/);
  dialog.getByText(/VMs that run are asked to shut down first.* On now: 1\./);
  fireEvent.click(dialog.getByRole('button', { name: 'Restart now' }));
  await waitFor(() => expect(asked).toEqual([['/api/v1/updates/apply', { restart: true }]]));
  (await slot('B')).getByText('Starts next');
  expect(screen.getByRole('status').textContent).toContain('Restarting into 0.2.0');
  expect(reason('Restart into this version')).toBe('Restarting into 0.2.0');
  // The host is back: the event stream opens anew.
  act(() => lastOpen.set(new Date(Date.now() + 1)));
  expect(screen.getByRole('status').textContent).toBe('');
});

test('a version may wait for the next restart', async () => {
  await show(staged, { answer: { ...staged, slots: [theRunningSlot(), aSlot({ tries_left: 3 })] } });
  fireEvent.click(await screen.findByRole('button', { name: 'Restart into this version' }));
  fireEvent.click(screen.getByRole('radio', { name: /With the next restart/ }));
  fireEvent.click(button('Start it later'));
  await waitFor(() => expect(asked).toEqual([['/api/v1/updates/apply', { restart: false }]]));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(screen.getByRole('status').textContent).toBe('');
});

test('a version that waits for the next restart can be withdrawn', async () => {
  const slots = [theRunningSlot(), aSlot({ tries_left: 3 })];
  await show(someUpdates({ slots }), { answer: staged });
  fireEvent.click(await screen.findByRole('button', { name: 'Don’t start it' }));
  await waitFor(() => expect(asked).toEqual([['/api/v1/updates/rollback', { restart: false }]]));
  (await slot('B')).getByText('Ready');
  expect(screen.queryByRole('button', { name: 'Don’t start it' })).toBeNull();
});

test('a version on trial is kept, or given up after a question that names both', async () => {
  await show(trial, { answer: someUpdates({ slots: [aSlot({ name: 'A', version: '0.1.0' }), theRunningSlot({ name: 'B' })] }) });
  (await slot('B')).getByText(/goes back to 0\.1\.0 by itself/);
  expect(reason('Choose a bundle')).toContain('Keep the running version or roll back first');
  fireEvent.click(button('Roll back'));
  within(screen.getByRole('dialog', { name: 'Roll back from 0.2.0 to 0.1.0?' })).getByText(/0\.2\.0 is given up/);
  fireEvent.click(button('Cancel'));
  fireEvent.click(button('Keep this version'));
  await waitFor(() => expect(asked).toEqual([['/api/v1/updates/confirm', null]]));
  (await slot('B')).getByText('Confirmed');
});

test('what the daemon refuses stands in the dialog', async () => {
  await show(trial, { answer: { status: 409, title: 'Conflict', detail: 'The host is shutting down already.' } });
  fireEvent.click(await screen.findByRole('button', { name: 'Roll back' }));
  fireEvent.click(button('Restart now'));
  expect((await within(screen.getByRole('dialog')).findByRole('alert')).textContent).toContain('The host is shutting down already.');
  expect(asked).toEqual([['/api/v1/updates/rollback', { restart: true }]]);
});

test('a bundle that is sent shows how far it is, and can be cancelled', async () => {
  vi.stubGlobal('XMLHttpRequest', FakeUpload);
  FakeUpload.sent = [];
  await show(someUpdates());
  await slot('A');
  fireEvent.change(document.querySelector('input[type=file]') as Element, { target: { files: [bundle] } });
  await waitFor(() => expect(FakeUpload.sent).toHaveLength(1));
  act(() => FakeUpload.sent[0]?.progress(60));
  screen.getByText('Sending quantix-os-0.2.0.qxu');
  screen.getByText(/60 B of 100 B/);
  fireEvent.click(button('Cancel'));
  await waitFor(() => expect(button('Choose a bundle')).toBeDefined());
  expect(FakeUpload.sent[0]?.aborted).toBe(true);
});

test('a bundle can be dropped on the page', async () => {
  vi.stubGlobal('XMLHttpRequest', FakeUpload);
  FakeUpload.sent = [];
  await show(someUpdates());
  fireEvent.drop(await screen.findByRole('region', { name: 'New version' }), { dataTransfer: { files: [bundle] } });
  await waitFor(() => expect(FakeUpload.sent[0]?.bytes).toBe(100));
  fireEvent.click(button('Cancel'));
});

test('while it is read back the daemon’s figure counts, and it is too late to cancel', async () => {
  bundleUpload.set({ file: bundle, state: 'sending', sentBytes: 100, bytesPerSecond: 50, error: null });
  await show(someUpdates({ transfer: aTransfer({ state: 'verifying', received_bytes: 100, percent: 73 }) }));
  await screen.findByText('Reading back what was written');
  expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('73');
  expect(reason('Cancel')).toContain('can’t be stopped');
  (await slot('B')).getByText('Being written');
});

test('a broken connection is said, and that it goes on by itself', async () => {
  bundleUpload.set({ file: bundle, state: 'waiting', sentBytes: 40, bytesPerSecond: null, error: null });
  await show(someUpdates({ transfer: aTransfer({ received_bytes: 32 }) }));
  await screen.findByText(/goes on by itself/);
  expect(isOff('Cancel')).toBe(false);
});

test('a bundle that somebody else sends is shown, and an admin can end it', async () => {
  await show(someUpdates({ transfer: aTransfer({ percent: 20 }) }), { answer: someUpdates() });
  await screen.findByText('A bundle is being sent from elsewhere');
  screen.getByText('20 % · 40 B of 100 B');
  fireEvent.click(button('Cancel'));
  await waitFor(() => expect(asked).toEqual([['/api/v1/updates/upload', null]]));
  await waitFor(() => expect(isOff('Choose a bundle')).toBe(false));
});

test('the running version is re-installed after a question that names what it overwrites', async () => {
  const copying = someUpdates({ transfer: aTransfer({ source: 'reinstall', version: '0.1.0' }) });
  await show(someUpdates({ slots: [theRunningSlot(), aSlot()] }), { answer: copying });
  fireEvent.click(await screen.findByRole('button', { name: 'Re-install 0.1.0 here' }));
  const dialog = within(screen.getByRole('dialog', { name: 'Re-install 0.1.0 to slot B?' }));
  dialog.getByText('It overwrites 0.2.0 there.');
  fireEvent.click(dialog.getByRole('button', { name: 'Re-install' }));
  await screen.findByText('Copying 0.1.0 from the running slot');
  expect(asked).toEqual([['/api/v1/updates/reinstall', null]]);
});

test.each([
  ['an upload that broke off', someUpdates({ transfer: aTransfer({ state: 'interrupted' }) })],
  ['a refused bundle', someUpdates({ transfer: aTransfer({ state: 'failed', problem: 'no' }) })],
  ['a version that was just written', staged],
])('%s can be discarded', async (_, updates) => {
  await show(updates, { answer: someUpdates() });
  fireEvent.click(await screen.findByRole('button', { name: 'Discard' }));
  await waitFor(() => expect(screen.queryByRole('button', { name: 'Discard' })).toBeNull());
  expect(asked).toEqual([['/api/v1/updates/upload', null]]);
});

test('an upload that broke off says where it goes on; with the file at hand one press does it', async () => {
  const updates = someUpdates({ transfer: aTransfer({ state: 'interrupted' }) });
  await show(updates);
  await screen.findByText('The upload stopped at 40 B of 100 B');
  expect(screen.queryByRole('button', { name: 'Go on' })).toBeNull();
  act(() => bundleUpload.set({ file: bundle, state: 'stopped', sentBytes: 40, bytesPerSecond: null, error: null }));
  expect(isOff('Go on')).toBe(false);
});

test('a failed upload is told in the daemon’s words, and that the running system was not touched', async () => {
  const problem = 'The signature does not fit any key of this host.';
  await show(someUpdates({ transfer: aTransfer({ state: 'failed', problem }) }));
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toContain(problem);
  expect(alert.textContent).toContain('The running system was not touched.');
});

test('a refused upload offers another try and can be put away', async () => {
  const error = new ApiError(409, 'Conflict', 'Another bundle is being written.', 'r-1');
  bundleUpload.set({ file: bundle, state: 'failed', sentBytes: 0, bytesPerSecond: null, error });
  await show(someUpdates());
  expect((await screen.findByRole('alert')).textContent).toContain('Another bundle is being written.');
  screen.getByText('The running system was not touched.');
  expect(isOff('Try again')).toBe(false);
  fireEvent.click(button('Dismiss'));
  expect(screen.queryByRole('alert')).toBeNull();
});

test('updates that can’t be read are said with another try; ones read before stay on the screen', async () => {
  const cache = await show({ status: 503, title: 'Unavailable', detail: 'The boot environment can’t be read.' });
  expect((await screen.findByRole('alert')).textContent).toContain('The boot environment can’t be read.');
  expect(isOff('Try again')).toBe(false);
  act(() => cache.setQueryData(['updates'], someUpdates()));
  await slot('A');
  await act(() => cache.invalidateQueries({ queryKey: ['updates'] }));
  expect((await screen.findByRole('alert')).textContent).toContain('Could not read the updates');
  await slot('A');
});

const card = async () => within(await screen.findByRole('region', { name: 'Feed' }));

test('a host without a feed shows none', async () => {
  await show(someUpdates());
  await slot('A');
  expect(screen.queryByRole('region', { name: 'Feed' })).toBeNull();
});

test('what the feed has is told, and fetched by one press', async () => {
  const fetching = someUpdates({ feed: aFeed(), transfer: aTransfer({ source: 'feed' }) });
  await show(someUpdates({ feed: aFeed() }), { answer: fetching });
  const feed = await card();
  feed.getByText('https://updates.example.org/quantix');
  feed.getByText('0.2.0 is available');
  feed.getByText(/150 MiB are fetched/);
  fireEvent.click(button('Fetch 0.2.0'));
  await screen.findByText('Fetching 0.2.0 from the feed');
  expect(asked).toEqual([['/api/v1/updates/fetch', null]]);
  expect(reason('Fetch 0.2.0')).toContain('A bundle is being written');
});

test('a feed that was never asked is asked by one press', async () => {
  const never = aFeed({ checked_at: null, offer: null });
  await show(someUpdates({ feed: never }), { answer: someUpdates({ feed: aFeed({ offer: null }) }) });
  (await card()).getByText(/It was not asked yet/);
  fireEvent.click(button('Ask now'));
  await (await card()).findByText(/no version that is newer/);
  expect(asked).toEqual([['/api/v1/updates/check', null]]);
});

test('why the feed is not believed, what is not tried again, and the next window are said', async () => {
  const window = { starts_at: '2026-11-28T01:00:00Z', ends_at: '2026-11-28T03:00:00Z' };
  const problem = 'the feed’s index expired';
  const cache = await show(someUpdates({ feed: aFeed({ problem, offer: null, automatic: 'apply', window }) }));
  const feed = await card();
  expect(feed.getByRole('alert').textContent).toContain('The feed’s index expired.');
  feed.getByText(/restarts into them inside the maintenance window/);
  feed.getByText(/^Next window: .* to /);
  const offer = { version: '0.2.0', build_id: 'b', size_bytes: 1, staged: false, given_up: true };
  act(() => void cache.setQueryData(['updates'], someUpdates({ feed: aFeed({ offer }) })));
  await feed.findByText(/does not try it again by itself/);
  expect(isOff('Fetch 0.2.0')).toBe(false);
});
