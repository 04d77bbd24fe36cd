// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Role, Task } from '@/api/types';
import { applyEvent } from '@/live/apply';
import { letDialogsOpen } from '@/testing/dialogs';
import { renderPage } from '@/testing/render';
import { aTask } from '@/testing/samples';
import { TasksDialog } from './tasks-dialog';

let cancelled: string[];

beforeEach(() => {
  cancelled = [];
  letDialogsOpen();
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function show(tasks: Task[], role: Role = 'operator'): Promise<QueryClient> {
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  vi.stubGlobal('fetch', async (request: Request) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/api/v1/tasks') return Response.json({ items: tasks, next: null });
    if (request.method === 'GET')
      return Response.json({ ...aTask(), log: [{ time: '2026-03-01T12:00:00Z', text: 'disk 1 of 2 is there' }] });
    cancelled.push(pathname);
    return Response.json(aTask({ state: 'cancelling' }), { status: 202 });
  });
  return renderPage(<TasksDialog role={role} onClose={() => undefined} />, cache);
}

const row = () => screen.findByRole('article', { name: 'Create VM: web1' });
const changed = (task: Task) => ({
  seq: 1,
  time: '2026-03-01T12:00:00Z',
  type: 'task.changed' as const,
  vm: null,
  vm_id: null,
  image: null,
  task,
});

test('without tasks it says what will be here', async () => {
  await show([]);
  expect(await screen.findByText('No tasks yet')).toBeTruthy();
});

test('a task moves with its events, and is not asked for again', async () => {
  const cache = await show([aTask({ percent: 20 })]);
  expect(within(await row()).getByText('20 %')).toBeTruthy();
  applyEvent(cache, changed(aTask({ percent: 45 })));
  await waitFor(async () => expect(within(await row()).getByText('45 %')).toBeTruthy());
  expect(within(await row()).getByRole('progressbar').getAttribute('aria-valuenow')).toBe('45');
  applyEvent(cache, changed(aTask({ percent: 100, state: 'done', ended_at: '2026-03-01T12:01:00Z' })));
  await waitFor(async () => expect(within(await row()).getByText('Done')).toBeTruthy());
  expect(within(await row()).queryByRole('progressbar')).toBeNull();
});

test('a new task comes first', async () => {
  const cache = await show([aTask()]);
  await row();
  applyEvent(cache, changed(aTask({ id: '00000000-0000-4000-8000-0000000000ff', operation: 'vm_start' })));
  await waitFor(() => expect(screen.getAllByRole('article').map((one) => one.getAttribute('aria-label'))).toEqual(['Start: web1', 'Create VM: web1']));
});

test('details show the steps and the log', async () => {
  await show([aTask()]);
  const details = within(await row()).getByRole<HTMLDetailsElement>('group');
  details.open = true;
  fireEvent(details, new Event('toggle'));
  expect(await within(details).findByText(/disk 1 of 2 is there/)).toBeTruthy();
  expect(within(details).getByText('not begun')).toBeTruthy();
});

test('a failure is told in the words of the daemon', async () => {
  const problem = { type: 'about:blank', title: 'Insufficient Storage', status: 507, detail: 'no space left for a disk', request_id: 'x' };
  await show([aTask({ state: 'failed', problem })]);
  expect(within(await row()).getByText('no space left for a disk')).toBeTruthy();
});

test('a task is cancelled; one that cannot be says why, and a viewer may not', async () => {
  const cache = await show([aTask()]);
  fireEvent.click(within(await row()).getByRole('button', { name: 'Cancel Create VM: web1' }));
  await waitFor(() => expect(cancelled).toHaveLength(1));
  applyEvent(cache, changed(aTask({ state: 'cancelling' })));
  await waitFor(async () => expect(within(await row()).getByText('Stopping')).toBeTruthy());
  expect(cancelled).toEqual(['/api/v1/tasks/00000000-0000-4000-8000-0000000000aa/cancel']);
  for (const [task, role, why] of [
    [aTask({ not_cancellable: 'the VM is being defined' }), 'operator', /the VM is being defined/],
    [aTask(), 'viewer', /viewer, may look/],
  ] as const) {
    cleanup();
    await show([task], role);
    expect(within(await row()).getByRole('button', { name: /^Cancel/ }).getAttribute('aria-disabled')).toBe('true');
    expect(within(await row()).getByText(why)).toBeTruthy();
  }
});
