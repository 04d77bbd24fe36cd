// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Bridge, Network, Role } from '@/api/types';
import { letDialogsOpen } from '@/testing/dialogs';
import { renderPage } from '@/testing/render';
import { aNetwork } from '@/testing/samples';
import { NetworksContent } from './networks-page';

/** What was asked of the daemon apart from reading: method, path and body. */
let asked: [method: string, path: string, body: unknown][];

beforeEach(() => {
  asked = [];
  letDialogsOpen();
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const web1 = { id: '00000000-0000-4000-8000-000000000001', name: 'web1', running: true };
const br0: Bridge = { name: 'br0', vlan_filtering: true, ports: ['eth0'], networks: ['trunk'], used_by: [web1] };

async function show(networks: Network[], { role = 'admin' as Role, answer = () => Response.json(aNetwork()) } = {}) {
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  vi.stubGlobal('fetch', async (request: Request) => {
    const { pathname } = new URL(request.url);
    if (request.method === 'GET') return Response.json({ items: pathname.endsWith('/bridges') ? [br0] : networks });
    asked.push([request.method, pathname, await request.json().catch(() => null)]);
    return answer();
  });
  await renderPage(<NetworksContent role={role} />, cache);
}

test('a network and a bridge are shown with what hangs on them', async () => {
  await show([aNetwork({ used_by: [web1], pending_restart: true })]);
  const row = await screen.findByRole('article', { name: 'lab' });
  for (const text of [/192\.168\.100\.1\/24/, /1 reserved address/, /Used by web1/, /changes hold after a restart/])
    expect(within(row).getByText(text)).toBeTruthy();
  expect(await screen.findByText(/ports: eth0 · tells VLANs apart · networks: trunk · Used by web1/)).toBeTruthy();
});

test('what would take a network from a VM is off, and says why', async () => {
  await show([aNetwork({ used_by: [web1] })]);
  for (const [name, why] of [
    ['Stop lab', /VMs run on it/],
    ['Delete lab', /VMs have a NIC in it/],
  ] as const) {
    const button = await screen.findByRole('button', { name });
    expect(button.getAttribute('aria-disabled')).toBe('true');
    expect(document.getElementById(button.getAttribute('aria-describedby') ?? '')?.textContent).toMatch(why);
  }
});

test('an operator may change nothing', async () => {
  await show([aNetwork()], { role: 'operator' });
  const named = ['Stop lab', 'Edit lab', 'Delete lab', 'Create network'];
  for (const name of named) expect((await screen.findByRole('button', { name })).getAttribute('aria-disabled')).toBe('true');
});

test('a network is made of what was typed, and a refusal stands at its field', async () => {
  const problem = { status: 422, title: 'Unprocessable Entity', detail: 'no', request_id: 'r', errors: [{ field: 'ipv4.address', reason: 'is taken' }] };
  await show([], { answer: () => Response.json(problem, { status: 422, headers: { 'content-type': 'application/problem+json' } }) });
  const [create] = await screen.findAllByRole('button', { name: 'Create network' });
  if (create === undefined) throw new Error('there is no button');
  fireEvent.click(create);
  const dialog = await screen.findByRole('dialog');
  fireEvent.change(within(dialog).getByLabelText('Name'), { target: { value: 'lab' } });
  fireEvent.click(within(dialog).getByRole('button', { name: 'Create network' }));
  await within(dialog).findByText('Is taken');
  expect(asked).toEqual([
    [
      'POST',
      '/api/v1/networks',
      {
        name: 'lab',
        mode: 'nat',
        autostart: true,
        ipv4: { address: '192.168.100.1/24', dhcp: { start: '192.168.100.10', end: '192.168.100.199', reservations: [] } },
      },
    ],
  ]);
});

test('stopping and deleting ask the daemon', async () => {
  await show([aNetwork()]);
  fireEvent.click(await screen.findByRole('button', { name: 'Stop lab' }));
  await waitFor(() => expect(asked).toHaveLength(1));
  fireEvent.click(screen.getByRole('button', { name: 'Delete lab' }));
  const dialog = await screen.findByRole('dialog');
  fireEvent.click(within(dialog).getByRole('button', { name: 'Delete' }));
  await waitFor(() => expect(asked.map(([method, path]) => `${method} ${path}`)).toEqual([
    `POST /api/v1/networks/${aNetwork().id}/stop`,
    `DELETE /api/v1/networks/${aNetwork().id}`,
  ]));
});
