// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tasksQuery } from '@/api/queries';
import type { Role, Snapshot, Vm } from '@/api/types';
import { applyEvent } from '@/live/apply';
import { letDialogsOpen } from '@/testing/dialogs';
import { renderPage } from '@/testing/render';
import { aSnapshot, aTask, aVm } from '@/testing/samples';
import { SnapshotsContent } from './snapshots-page';

let asked: [method: string, path: string, body: unknown][];
let shown: Snapshot[];

beforeEach(() => {
  asked = [];
  letDialogsOpen();
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const begun = () => Response.json(aTask({ operation: 'snapshot_create', state: 'waiting' }), { status: 202 });

async function show(snapshots: Snapshot[], { vm = aVm({ state: 'running' }) as Vm, role = 'operator' as Role, answer = begun } = {}) {
  shown = snapshots;
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  cache.setQueryData(tasksQuery.queryKey, []);
  vi.stubGlobal('fetch', async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    if (request.method === 'GET') return Response.json({ items: shown });
    asked.push([request.method, pathname + search, await request.json().catch(() => null)]);
    return answer();
  });
  return renderPage(<SnapshotsContent vm={vm} role={role} />, cache);
}

const event = { seq: 1, time: '2026-03-01T12:00:00Z', vm: null, vm_id: null, image: null, task: null };
const press = async (name: string | RegExp) => fireEvent.click(await screen.findByRole('button', { name }));
const inDialog = async (name: string) => {
  const dialog = await screen.findByRole('dialog');
  fireEvent.click(within(dialog).getByRole('button', { name }));
};

test('the tree is shown with what each holds and where the VM is', async () => {
  await show([aSnapshot({ name: 'a', memory: false }), aSnapshot({ name: 'b', parent: 'a', current: true, description: 'before 2.0' })]);
  const b = await screen.findByRole('listitem', { name: 'b' });
  for (const text of [/with memory/, 'before 2.0', 'Present']) expect(within(b).getByText(text)).toBeTruthy();
  const a = screen.getByRole('listitem', { name: 'a' });
  expect(within(a).getByText(/disks only/)).toBeTruthy();
  expect(within(a).queryByText('Present')).toBeNull();
});

test('a snapshot of a VM that runs is taken with memory, and what became of it is told', async () => {
  const cache = await show([]);
  expect(await screen.findByText('No snapshots')).toBeTruthy();
  await press('Take snapshot');
  await inDialog('Take snapshot');
  await waitFor(() => expect(asked).toHaveLength(1));
  const path = `/api/v1/vms/${aVm().id}/snapshots`;
  expect(asked[0]).toEqual(['POST', path, { name: 'snapshot-1', description: '', memory: true }]);
  const task = aTask({ operation: 'snapshot_create', percent: 30 });
  applyEvent(cache, { ...event, type: 'task.changed', task });
  expect((await screen.findByRole('status')).textContent).toContain('Take snapshot: web1');
  const problem = { type: 'about:blank', title: 'Conflict', status: 409, detail: 'the disk vda is raw', request_id: 'x' };
  applyEvent(cache, { ...event, type: 'task.changed', task: { ...task, state: 'failed', problem } });
  expect((await screen.findByRole('alert')).textContent).toContain('the disk vda is raw');
});

test('the list follows events', async () => {
  const cache = await show([]);
  await screen.findByText('No snapshots');
  shown = [aSnapshot({ name: 'new' })];
  applyEvent(cache, { ...event, type: 'snapshots.changed', vm_id: aVm().id });
  expect(await screen.findByRole('listitem', { name: 'new' })).toBeTruthy();
});

test('going back asks first, and can leave the VM off', async () => {
  await show([aSnapshot({ name: 'a' })]);
  await press('Revert to a');
  const dialog = await screen.findByRole('dialog');
  expect(within(dialog).getByText(/what web1 is now is lost/)).toBeTruthy();
  fireEvent.change(within(dialog).getByLabelText('Afterwards the VM is'), { target: { value: 'off' } });
  await inDialog('Revert');
  await waitFor(() => expect(asked).toEqual([['POST', `/api/v1/vms/${aVm().id}/snapshots/a/revert`, { to: 'off' }]]));
});

test('one with others after it can go alone or with them', async () => {
  await show([aSnapshot({ name: 'a' }), aSnapshot({ name: 'b', parent: 'a' })]);
  await press('Delete snapshot a');
  fireEvent.click(within(await screen.findByRole('dialog')).getByRole('checkbox'));
  await inDialog('Delete');
  await waitFor(() => expect(asked).toEqual([['DELETE', `/api/v1/vms/${aVm().id}/snapshots/a?children=true`, null]]));
});

test('a refusal stays in the dialog in the words of the daemon', async () => {
  const problem = { type: 'about:blank', title: 'x', status: 422, detail: 'name must be 1 to 63 letters', request_id: 'x' };
  await show([], { answer: () => Response.json(problem, { status: 422 }) });
  await press('Take snapshot');
  await inDialog('Take snapshot');
  expect(await screen.findByText('name must be 1 to 63 letters')).toBeTruthy();
});

test('who may only look is told so on each control', async () => {
  await show([aSnapshot({ name: 'a' })], { role: 'viewer' });
  for (const name of ['Take snapshot', 'Revert to a', 'Delete snapshot a'])
    expect((await screen.findByRole('button', { name })).getAttribute('aria-disabled')).toBe('true');
});
