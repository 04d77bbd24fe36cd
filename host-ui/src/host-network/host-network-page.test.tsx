// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hostNetworkQuery } from '@/api/queries';
import type { HostNetwork, Role } from '@/api/types';
import { letDialogsOpen } from '@/testing/dialogs';
import { renderPage } from '@/testing/render';
import { aHost, aHostNetwork, aManagementNetwork } from '@/testing/samples';
import { HostNetworkContent } from './host-network-page';
import { NetworkTrial } from './network-trial';

/** What was asked of the daemon apart from reading: method, path, If-Match and body. */
let asked: [method: string, path: string, ifMatch: string | null, body: unknown][];

const boot = { mode: 'live', slot: null } as unknown as ReturnType<typeof aHost>['boot'];
const fixed = aManagementNetwork({ ipv4: { method: 'static', address: '192.0.2.7/24', gateway: '192.0.2.1' } });
const trial = { network: fixed, in_force: true, left_ms: 60_000 };

beforeEach(() => {
  asked = [];
  letDialogsOpen();
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

type World = { role?: Role; host?: ReturnType<typeof aHost>; answer?: () => Response };

/** The page under the banner; answers how to change what the daemon has and tell the page. */
async function show(network: HostNetwork, { role = 'admin', host = aHost({ boot }), answer = () => Response.json(network) }: World = {}) {
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  let now = network;
  vi.stubGlobal('fetch', async (request: Request) => {
    const { pathname } = new URL(request.url);
    if (request.method === 'GET') return Response.json(pathname.endsWith('/network') ? now : host);
    asked.push([request.method, pathname, request.headers.get('if-match'), await request.json().catch(() => null)]);
    return answer();
  });
  await renderPage(<><NetworkTrial role={role} /><HostNetworkContent role={role} /></>, cache);
  await screen.findByRole('table');
  return (changed: HostNetwork) => {
    now = changed;
    return cache.invalidateQueries({ queryKey: hostNetworkQuery.queryKey });
  };
}

const reasonOf = (button: HTMLElement) => document.getElementById(button.getAttribute('aria-describedby') ?? '')?.textContent ?? null;
const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });
const problem = (status: number, detail: string, errors: unknown[] = []) =>
  Response.json({ status, title: 'No', detail, errors }, { status, headers: { 'content-type': 'application/problem+json' } });

test('what is configured and in force stand side by side, and what differs is marked', async () => {
  await show(aHostNetwork({ in_force: fixed, differs: ['ipv4'], problems: ['ens9 is not there'] }));
  const row = screen.getByRole('row', { name: /^IPv4/ });
  expect(row.textContent).toMatch(/DHCP.*192\.0\.2\.7\/24 via 192\.0\.2\.1.*differs/);
  expect(screen.getAllByText('differs')).toHaveLength(1);
  screen.getByText('Ens9 is not there.');
});

test('what can’t be is told beside its field and not sent', async () => {
  await show(aHostNetwork());
  type('IPv4', 'static');
  fireEvent.click(screen.getByRole('button', { name: 'Try this network …' }));
  await screen.findByText('Is required for the method static');
  expect(document.activeElement).toBe(screen.getByLabelText('IPv4 address'));
  type('IPv4 address', '192.0.2.7/24');
  expect(screen.queryByText('Is required for the method static')).toBeNull();
  expect(asked).toEqual([]);
});

test('a network is tried after it was said where to go on; a refusal stands at its field and keeps what was typed', async () => {
  const errors = [{ field: 'network.ipv4.address', reason: 'another machine in this network has 192.0.2.7' }];
  await show(aHostNetwork({ revision: '7' }), { answer: () => problem(422, 'a field is wrong', errors) });
  type('IPv4', 'static');
  type('IPv4 address', '192.0.2.7/24');
  fireEvent.click(screen.getByRole('button', { name: 'Try this network …' }));
  const dialog = await screen.findByRole('dialog');
  within(dialog).getByText(/^https?:\/\/192\.0\.2\.7.*\/host-network$/);
  fireEvent.click(within(dialog).getByRole('button', { name: 'Try it' }));
  await screen.findByText('Another machine in this network has 192.0.2.7');
  expect((screen.getByLabelText('IPv4 address') as HTMLInputElement).value).toBe('192.0.2.7/24');
  const network = { ...aManagementNetwork(), ipv4: { method: 'static', address: '192.0.2.7/24', gateway: null } };
  expect(asked).toEqual([['PUT', '/api/v1/host/network', '"7"', { network, confirm_within_s: 60 }]]);
});

test('a change by somebody else is told, and what was typed is not stored over it', async () => {
  const change = await show(aHostNetwork(), { answer: () => problem(412, "the host's network was changed since it was read") });
  type('VLAN', '20');
  await change(aHostNetwork({ revision: '2', configured: fixed, in_force: fixed }));
  await screen.findByText('Somebody else changed this meanwhile');
  fireEvent.click(screen.getByRole('button', { name: 'Try this network …' }));
  fireEvent.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Try it' }));
  await screen.findByText("the host's network was changed since it was read");
  expect(asked[0]?.[2]).toBe('"1"');
  const [discard] = screen.getAllByRole('button', { name: 'Discard what was typed' });
  if (discard === undefined) throw new Error('there is no button');
  fireEvent.click(discard);
  await waitFor(() => expect((screen.getByLabelText('IPv4 address') as HTMLInputElement).value).toBe('192.0.2.7/24'));
  expect((screen.getByLabelText('VLAN') as HTMLInputElement).value).toBe('');
});

test('a network on trial counts down, is confirmed, and meanwhile no other one is tried', async () => {
  const kept = aHostNetwork({ revision: '3', configured: fixed, in_force: fixed });
  await show(aHostNetwork({ trial }), { answer: () => Response.json(kept) });
  const banner = await screen.findByRole('region', { name: 'Change of the network' });
  expect(within(banner).getByRole('timer').textContent).toMatch(/It is undone in (60|59) sec/);
  within(banner).getByRole('link', { name: /192\.0\.2\.7/ });
  expect(reasonOf(screen.getByRole('button', { name: 'Try this network …' }))).toMatch(/waits to be confirmed/);
  fireEvent.click(within(banner).getByRole('button', { name: 'Confirm' }));
  await waitFor(() => expect(screen.queryByRole('region', { name: 'Change of the network' })).toBeNull());
  expect(asked.map(([method, path]) => `${method} ${path}`)).toEqual(['POST /api/v1/host/network/confirm']);
  expect((await screen.findByLabelText('IPv4 address') as HTMLInputElement).value).toBe('192.0.2.7/24');
});

test('what can’t be confirmed yet says why, and a refusal is told in the banner', async () => {
  const change = await show(aHostNetwork({ trial: { ...trial, in_force: false } }), {
    answer: () => problem(409, 'this connection was made before the change'),
  });
  expect(reasonOf(await screen.findByRole('button', { name: 'Confirm' }))).toMatch(/still being set up/);
  await change(aHostNetwork({ trial }));
  await waitFor(() => expect(screen.getByRole('button', { name: 'Confirm' }).getAttribute('aria-disabled')).toBeNull());
  fireEvent.click(screen.getByRole('button', { name: 'Confirm' }));
  await screen.findByText('this connection was made before the change');
});

test('a viewer sees it all and may change nothing', async () => {
  await show(aHostNetwork({ trial }), { role: 'viewer' });
  for (const name of ['Confirm', 'Undo', 'Try this network …'])
    expect(reasonOf(await screen.findByRole('button', { name }))).toMatch(/Only an administrator/);
});

test('on a foreign machine the network is shown and left alone', async () => {
  await show(aHostNetwork({ in_force: null, interface: null }), { host: aHost() });
  await waitFor(() => expect(reasonOf(screen.getByRole('button', { name: 'Try this network …' }))).toMatch(/does not run on a host/));
});
