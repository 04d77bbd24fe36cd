// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { act, cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { vmsQuery } from '@/api/queries';
import type { HostPowerAction } from '@/api/types';
import { lastOpen } from '@/live/live';
import { letDialogsOpen } from '@/testing/dialogs';
import { renderPage } from '@/testing/render';
import { sessionStore } from '@/session/store';
import { aBoot, aHost, aVm } from '@/testing/samples';
import { PowerDialog } from './power-dialog';
import { GoingDown, PowerMenu } from './power-menu';

let asked: unknown[];

beforeEach(() => {
  asked = [];
  letDialogsOpen();
  lastOpen.set(new Date());
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  lastOpen.set(new Date(Date.now() + 1000));
});

async function show(action: HostPowerAction, answer: () => Response) {
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  cache.setQueryData(vmsQuery.queryKey, [aVm({ state: 'running' }), aVm({ id: 'b', state: 'off' })]);
  vi.stubGlobal('fetch', async (request: Request) => {
    asked.push([new URL(request.url).pathname, await request.json()]);
    return answer();
  });
  const onClose = vi.fn();
  await renderPage(
    <>
      <GoingDown />
      <PowerDialog action={action} host="qx1" onClose={onClose} />
    </>,
    cache,
  );
  return onClose;
}

const accepted = () => new Response(null, { status: 202 });

test.each([
  ['reboot', 'Restart qx1?', 'Restart', 'The host restarts'],
  ['shutdown', 'Shut qx1 down?', 'Shut down', 'The host shuts down'],
] as const)('%s says what goes down with the host, and what happens until it is back', async (action, question, button, after) => {
  const onClose = await show(action, accepted);
  const dialog = within(screen.getByRole('dialog', { name: question }));
  dialog.getByText(/asked to shut down first.* On now: 1\./);
  fireEvent.click(dialog.getByRole('button', { name: button }));
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(asked).toEqual([['/api/v1/host/power', { action }]]);
  expect(screen.getByRole('status').textContent).toContain(after);
  act(() => lastOpen.set(new Date(Date.now() + 1)));
  expect(screen.getByRole('status').textContent).toBe('');
});

test.each([
  ['admin', aHost({ boot: aBoot() }), null],
  ['operator', aHost({ boot: aBoot() }), 'Only an administrator may do this.'],
  ['admin', aHost({ boot: null }), 'This daemon does not run on a host of Quantix-OS.'],
] as const)('for the role %s the menu is open, or says why not', async (role, host, reason) => {
  const session = { csrf_token: 'c', username: 'a', role, expires_at: '2099-01-01T00:00:00Z' };
  sessionStore.set({ kind: 'in', session });
  await renderPage(<PowerMenu host={host} />);
  const button = screen.getByRole('button', { name: `Power of ${host.hostname}` });
  const menu = screen.getByRole('menu', { hidden: true });
  fireEvent(menu, Object.assign(new Event('beforetoggle'), { newState: 'open' }));
  expect(button.getAttribute('aria-expanded')).toBe('true');
  const entry = screen.getByRole('menuitem', { name: /Restart the host/, hidden: true });
  expect(entry.getAttribute('aria-disabled')).toBe(reason === null ? null : 'true');
  if (reason !== null) within(entry).getByText(reason);
});

test('a refusal is said and nothing is announced', async () => {
  const problem = { status: 409, title: 'x', detail: 'this daemon does not run on a host', request_id: 'r' };
  const onClose = await show('reboot', () => Response.json(problem, { status: 409 }));
  fireEvent.click(screen.getByRole('button', { name: 'Restart' }));
  await screen.findByText(/does not run on a host/);
  expect(onClose).not.toHaveBeenCalled();
  expect(screen.getByRole('status').textContent).toBe('');
});
