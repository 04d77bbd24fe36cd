// @vitest-environment jsdom
import { File } from 'node:buffer';
import { QueryClient } from '@tanstack/react-query';
import { cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hostQuery, imagesQuery, vmsQuery } from '@/api/queries';
import type { HostRestored, Role } from '@/api/types';
import { lastOpen } from '@/live/live';
import { letDialogsOpen } from '@/testing/dialogs';
import { renderPage } from '@/testing/render';
import { aHost, aVm } from '@/testing/samples';
import { ConfigurationContent } from './configuration-page';

type Asked = { path: string; passphrase: string | null; body: string };

let asked: Asked[];
let saved: string[];

beforeEach(() => {
  asked = [];
  saved = [];
  letDialogsOpen();
  Object.assign(URL, { createObjectURL: () => 'blob:x', revokeObjectURL: () => undefined });
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
    saved.push(this.download);
  });
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  // The host is back.
  lastOpen.set(new Date(Date.now() + 1000));
});

async function show({ role = 'admin' as Role, answer = () => new Response(null, { status: 202 }) } = {}) {
  lastOpen.set(new Date());
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  cache.setQueryData(hostQuery.queryKey, aHost());
  cache.setQueryData(vmsQuery.queryKey, [aVm({ state: 'running' }), aVm({ id: 'b', name: 'db1' })]);
  cache.setQueryData(imagesQuery.queryKey, []);
  vi.stubGlobal('fetch', async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    asked.push({ path: pathname + search, passphrase: request.headers.get('Backup-Passphrase'), body: await request.text() });
    return answer();
  });
  await renderPage(<ConfigurationContent role={role} />, cache);
}

const refused = (field: string, reason: string) => () =>
  Response.json({ status: 422, title: 'x', detail: `${field} ${reason}`, request_id: 'r', errors: [{ field, reason }] }, { status: 422 });

const type = (dialog: HTMLElement, label: string, value: string) =>
  fireEvent.change(within(dialog).getByLabelText(label), { target: { value } });

async function openDialog(button: string): Promise<HTMLElement> {
  fireEvent.click(await screen.findByRole('button', { name: button }));
  return screen.findByRole('dialog');
}

async function choose(content: string): Promise<HTMLElement> {
  const input = await screen.findByLabelText('Choose a backup …', { selector: 'input' });
  fireEvent.change(input, { target: { files: [new File([content], 'qx1.tar.age')] } });
  return screen.findByRole('dialog');
}

test('who is no administrator sees what there is, and why it is off', async () => {
  await show({ role: 'operator' });
  for (const name of ['Download a backup …', 'Choose a backup …', 'Factory reset …']) {
    const button = await screen.findByRole('button', { name });
    expect(button.getAttribute('aria-disabled')).toBe('true');
    expect(document.getElementById(button.getAttribute('aria-describedby') ?? '')?.textContent).toMatch(/Only an administrator/);
  }
});

test('a backup is encrypted unless one says otherwise, and the passphrase is typed twice', async () => {
  const headers = { 'Content-Disposition': 'attachment; filename="qx1-2026-11-24.tar.age"' };
  await show({ answer: () => new Response('age', { headers }) });
  const dialog = await openDialog('Download a backup …');
  type(dialog, 'Passphrase', 'correct horse 42');
  type(dialog, 'The same again', 'correct horse 43');
  fireEvent.click(within(dialog).getByRole('button', { name: 'Download' }));
  await within(dialog).findByText('Is not the same.');
  expect(asked).toEqual([]);
  type(dialog, 'The same again', 'correct horse 42');
  fireEvent.click(within(dialog).getByRole('button', { name: 'Download' }));
  await waitFor(() => expect(saved).toEqual(['qx1-2026-11-24.tar.age']));
  expect(asked).toEqual([{ path: '/api/v1/host/backup', passphrase: null, body: '{"passphrase":"correct horse 42"}' }]);
});

test('a readable backup says what is in it', async () => {
  await show({ answer: () => new Response('tar') });
  const dialog = await openDialog('Download a backup …');
  fireEvent.click(within(dialog).getByLabelText('Leave it readable'));
  within(dialog).getByText(/private keys and the password hashes/);
  fireEvent.click(within(dialog).getByRole('button', { name: 'Download' }));
  await waitFor(() => expect(saved).toHaveLength(1));
  expect(asked[0]?.body).toBe('{"unencrypted":true}');
});

test('a wrong passphrase stands at its field, and the file need not be chosen again', async () => {
  await show({ answer: refused('passphrase', 'is wrong') });
  const dialog = await choose('age-encryption.org/v1\n');
  within(dialog).getByText(/On now: 1/);
  type(dialog, 'Passphrase', 'correct horse ä');
  fireEvent.click(within(dialog).getByLabelText('Keep the management network of this host'));
  fireEvent.click(within(dialog).getByRole('button', { name: 'Restore and restart' }));
  await within(dialog).findByText('Is wrong.');
  expect(within(dialog).queryByRole('alert')).toBeNull();
  expect(asked).toEqual([
    {
      path: '/api/v1/host/restore?skip_network=true&same_machine=false',
      passphrase: 'correct%20horse%20%C3%A4',
      body: 'age-encryption.org/v1\n',
    },
  ]);
});

test('what is no backup is refused in the words of the daemon', async () => {
  await show({ answer: refused('body', 'is not a backup of a Quantix-OS host') });
  const dialog = await choose('MZ');
  expect(within(dialog).queryByLabelText('Passphrase')).toBeNull();
  fireEvent.click(within(dialog).getByRole('button', { name: 'Restore and restart' }));
  expect((await within(dialog).findByRole('alert')).textContent).toMatch(/is not a backup/);
});

test('after a restore it is said what the host comes back as, until it is back', async () => {
  const done: HostRestored = {
    hostname: 'qx9',
    made_by: 'qx9',
    made_at: '2026-11-24T10:00:00Z',
    version: '0.1.0',
    signed_by: 'SHA256:abc',
    notes: ['the machine id is not taken'],
  };
  await show({ answer: () => Response.json(done, { status: 202 }) });
  const dialog = await choose('backup.json\0');
  fireEvent.click(within(dialog).getByRole('button', { name: 'Restore and restart' }));
  await screen.findByText('The host restarts as qx9');
  screen.getByText(/SHA256:abc/);
  screen.getByText(/The machine id is not taken/);
  expect(screen.getByRole('button', { name: 'Factory reset …' }).getAttribute('aria-disabled')).toBe('true');
  lastOpen.set(new Date(Date.now() + 1000));
  await waitFor(() => expect(screen.queryByText('The host restarts as qx9')).toBeNull());
});

test('a reset names what goes, takes the typed name, and says where to look afterwards', async () => {
  await show();
  const dialog = await openDialog('Factory reset …');
  expect(within(dialog).queryByText(/VMs: web1/)).toBeNull();
  fireEvent.click(within(dialog).getByLabelText('The configuration and all data'));
  within(dialog).getByText('VMs: web1, db1');
  within(dialog).getByText('Images: none');
  type(dialog, 'Type the name of this host: qx1', 'qx1');
  fireEvent.click(within(dialog).getByRole('button', { name: 'Reset and restart' }));
  await screen.findByText('The host restarts and is reset');
  expect(asked).toEqual([{ path: '/api/v1/host/reset', passphrase: null, body: '{"scope":"everything","confirm":"qx1"}' }]);
});

test('another name than the host’s resets nothing', async () => {
  await show({ answer: refused('confirm', 'must be the name of this host') });
  const dialog = await openDialog('Factory reset …');
  type(dialog, 'Type the name of this host: qx1', 'qx2');
  fireEvent.click(within(dialog).getByRole('button', { name: 'Reset and restart' }));
  await within(dialog).findByText('Must be the name of this host.');
  expect(screen.queryByText('The host restarts and is reset')).toBeNull();
});
