// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Role, Schemas, Vm } from '@/api/types';
import { letDialogsOpen } from '@/testing/dialogs';
import { renderPage } from '@/testing/render';
import { aVm } from '@/testing/samples';
import { GuestContent } from './guest-page';
import { shellFor } from './run';

type Guest = Schemas['GuestInfo'];

const aGuest = (part: Partial<Guest> = {}): Guest => ({
  agent_version: '10.0.2',
  commands: ['guest-shutdown', 'guest-fsfreeze-freeze', 'guest-fsfreeze-thaw', 'guest-set-time', 'guest-set-user-password', 'guest-exec'],
  hostname: 'web1',
  os: { id: 'debian', name: 'Debian', pretty_name: 'Debian GNU/Linux 13', version_id: '13', kernel_release: '6.12', machine: 'x86_64' },
  time_zone: { name: 'CET', offset_s: 3600 },
  time: '2026-03-01T12:00:00Z',
  users: [],
  frozen: false,
  ...part,
});

let asked: [method: string, path: string, body: unknown][];

beforeEach(() => {
  asked = [];
  letDialogsOpen();
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const problem = { type: 'about:blank', title: 'Conflict', status: 409, detail: 'the agent does not run; install qemu-guest-agent', request_id: 'r', errors: [] };

async function show(guest: Guest | null, { vm = aVm({ state: 'running' }) as Vm, role = 'operator' as Role } = {}) {
  const answers: Record<string, unknown> = {
    '': guest,
    '/addresses': { items: [{ name: 'eth0<b>', mac: '52:54:00:00:00:01', addresses: ['192.0.2.7/24'] }] },
    '/filesystems': { items: [{ name: 'vda1', mount_point: '/', type: 'ext4', used_bytes: 1024, total_bytes: 2048 }] },
    '/exec': { pid: 7 },
    '/exec/7': { exited: true, exit_code: 3, signal: null, stdout: btoa('<i>out</i>'), stderr: '', truncated: false },
    '/freeze': { filesystems: 2 },
  };
  vi.stubGlobal('fetch', async (request: Request) => {
    const path = new URL(request.url).pathname.replace(/^.*\/guest/, '');
    if (request.method !== 'GET') asked.push([request.method, path, await request.json().catch(() => null)]);
    if (guest === null) return Response.json(problem, { status: 409, headers: { 'content-type': 'application/problem+json' } });
    const answer = answers[path];
    return answer === undefined ? new Response(null, { status: 204 }) : Response.json(answer);
  });
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return renderPage(<GuestContent vm={vm} role={role} />, cache);
}

test('the guest is shown in its own words, and they are text', async () => {
  await show(aGuest());
  expect(await screen.findByText('Debian GNU/Linux 13')).toBeTruthy();
  expect(screen.getByText('nobody')).toBeTruthy();
  expect(await screen.findByText('eth0<b>')).toBeTruthy();
  expect(screen.getByText('192.0.2.7/24')).toBeTruthy();
  expect(await screen.findByText(/1 KiB of 2 KiB used/)).toBeTruthy();
});

test('an agent that does not answer is told in the daemon’s words', async () => {
  await show(null);
  expect(await screen.findByText(/install qemu-guest-agent/)).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Ask again' })).toBeTruthy();
});

test('a VM that does not run is not asked', async () => {
  await show(aGuest(), { vm: aVm({ state: 'off' }) });
  expect(await screen.findByText('The VM does not run')).toBeTruthy();
});

test('file systems are frozen, and what the agent can’t do is off with a reason', async () => {
  await show(aGuest());
  fireEvent.click(await screen.findByRole('button', { name: 'Freeze file systems' }));
  await waitFor(() => expect(asked).toEqual([['POST', '/freeze', { mount_points: [] }]]));
  const trim = screen.getByRole('button', { name: 'Trim file systems' });
  expect(trim.getAttribute('aria-disabled')).toBe('true');
});

test('a password is set in a dialog', async () => {
  await show(aGuest());
  fireEvent.click(await screen.findByRole('button', { name: 'Set password …' }));
  const dialog = await screen.findByRole('dialog');
  fireEvent.change(within(dialog).getByLabelText('New password'), { target: { value: 'secret' } });
  fireEvent.click(within(dialog).getByRole('button', { name: 'Set' }));
  await waitFor(() => expect(asked).toEqual([['POST', '/password', { username: 'root', password: 'secret', crypted: false }]]));
});

test('a command line is run by the guest’s shell and its output is text', async () => {
  await show(aGuest());
  fireEvent.change(await screen.findByLabelText('Command line'), { target: { value: 'id; uname' } });
  fireEvent.click(screen.getByRole('button', { name: 'Run' }));
  expect(await screen.findByText('<i>out</i>')).toBeTruthy();
  expect(screen.getByText('Ended with 3')).toBeTruthy();
  expect(asked[0]).toEqual(['POST', '/exec', { path: '/bin/sh', args: ['-c', 'id; uname'], env: [], input: '' }]);
  expect(shellFor('mswindows', 'ver')).toEqual({ path: 'cmd.exe', args: ['/c', 'ver'] });
});

test('a viewer sees all of it and does nothing', async () => {
  await show(aGuest(), { role: 'viewer' });
  for (const name of ['Shut down by agent', 'Freeze file systems', 'Set password …', 'Run']) {
    expect((await screen.findByRole('button', { name })).getAttribute('aria-disabled')).toBe('true');
  }
});
