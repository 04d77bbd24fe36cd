// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Pool, PoolDisk, Role, Volume } from '@/api/types';
import { letDialogsOpen } from '@/testing/dialogs';
import { renderPage } from '@/testing/render';
import { aPool, aVolume } from '@/testing/samples';
import { StorageContent } from './storage-page';

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
const usb: PoolDisk = {
  path: '/dev/sdb',
  size_bytes: 1024 ** 4,
  model: 'ACME',
  serial: null,
  content: 'NTFS named photos',
  reason: '/dev/sdb holds data: NTFS named photos',
  wipeable: true,
};

type Options = { role?: Role; volumes?: Volume[]; answer?: () => Response };

async function show(pools: Pool[], { role = 'admin', volumes = [], answer = () => Response.json(aVolume()) }: Options = {}) {
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  vi.stubGlobal('fetch', async (request: Request) => {
    const { pathname } = new URL(request.url);
    if (request.method === 'GET') {
      const items = pathname.endsWith('/disks') ? [usb] : pathname.endsWith('/volumes') ? volumes : pathname.endsWith('/pools') ? pools : [];
      return Response.json({ items });
    }
    asked.push([request.method, pathname, await request.json().catch(() => null)]);
    return answer();
  });
  await renderPage(<StorageContent role={role} />, cache);
}

const off = (button: HTMLElement) => button.getAttribute('aria-disabled') === 'true';
const why = (button: HTMLElement) => document.getElementById(button.getAttribute('aria-describedby') ?? '')?.textContent ?? '';

test('a pool is shown with how full it is, its volumes and who has them', async () => {
  await show([aPool({ used_by: [web1] })], { volumes: [aVolume({ used_by: [web1] })] });
  const card = await screen.findByRole('region', { name: 'default' });
  expect(within(card).getByText('Disks of web1')).toBeTruthy();
  expect(within(card).getByRole('meter', { name: 'Space' }).getAttribute('aria-valuenow')).toBe('50');
  const row = await within(card).findByRole('row', { name: /data\.qcow2/ });
  for (const text of ['Disk of web1', 'qcow2', '20 GiB', '1 GiB']) expect(within(row).getByText(text)).toBeTruthy();
});

test('a pool that is gone says why and shows no volumes', async () => {
  await show([aPool({ state: 'unavailable', problem: 'its directory /mnt/x is gone' })]);
  expect(await screen.findByText('its directory /mnt/x is gone')).toBeTruthy();
  expect(screen.getByText('Not available')).toBeTruthy();
  expect(screen.queryByText('Volumes')).toBeNull();
});

test('what would take a disk from a VM is off, and says why', async () => {
  await show([aPool({ own: false, used_by: [web1] })], { volumes: [aVolume({ used_by: [web1] })] });
  for (const [name, reason] of [
    ['Stop default', /VMs that run have disks in it/],
    ['Remove default', /VMs have disks in it/],
    ['Delete data.qcow2', /A VM has it as a disk/],
    ['Resize data.qcow2', /A VM that runs has it/],
    ['Clone data.qcow2', /A VM that runs has it/],
    ['Download data.qcow2', /A VM that runs has it/],
  ] as const) {
    const button = await screen.findByRole('button', { name });
    expect([off(button), why(button)]).toEqual([true, expect.stringMatching(reason)]);
  }
});

test('a viewer may change nothing, an operator no pools', async () => {
  await show([aPool({ own: false })], { role: 'viewer', volumes: [aVolume()] });
  const ofPools = ['Add pool', 'Format a disk', 'Stop default', 'Remove default'];
  const ofVolumes = ['Add volume to default', 'Upload to default', 'Delete data.qcow2', 'Download data.qcow2'];
  for (const name of [...ofPools, ...ofVolumes]) expect(off(await screen.findByRole('button', { name }))).toBe(true);
  cleanup();
  await show([aPool({ own: false })], { role: 'operator', volumes: [aVolume()] });
  for (const name of ofPools) expect(off(await screen.findByRole('button', { name }))).toBe(true);
  for (const name of ofVolumes) expect(off(await screen.findByRole('button', { name }))).toBe(false);
});

test('no pools, and an error, are told', async () => {
  await show([]);
  expect(await screen.findByText('No storage pools yet')).toBeTruthy();
  cleanup();
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const problem = { status: 503, title: 'x', detail: 'the hypervisor does not answer', request_id: 'r' };
  const headers = { 'content-type': 'application/problem+json' };
  vi.stubGlobal('fetch', async () => Response.json(problem, { status: 503, headers }));
  const role: Role = 'admin';
  await renderPage(<StorageContent role={role} />, cache);
  expect(await screen.findByText('the hypervisor does not answer')).toBeTruthy();
});

test('a pool is made of what was typed', async () => {
  await show([aPool()]);
  fireEvent.click(await screen.findByRole('button', { name: 'Add pool' }));
  const dialog = await screen.findByRole('dialog');
  fireEvent.change(within(dialog).getByLabelText('Name'), { target: { value: 'nas' } });
  fireEvent.change(within(dialog).getByLabelText('Type'), { target: { value: 'nfs' } });
  fireEvent.change(within(dialog).getByLabelText('Server'), { target: { value: 'nas.example' } });
  fireEvent.change(within(dialog).getByLabelText('Export'), { target: { value: '/export/vms' } });
  fireEvent.click(within(dialog).getByRole('button', { name: 'Add pool' }));
  await waitFor(() => expect(asked).toHaveLength(1));
  const nfs = { host: 'nas.example', export: '/export/vms' };
  expect(asked[0]).toEqual(['POST', '/api/v1/pools', { name: 'nas', type: 'nfs', autostart: true, nfs }]);
});

test('formatting a disk names what is on it, and wipes only when told to', async () => {
  await show([aPool()]);
  fireEvent.click(await screen.findByRole('button', { name: 'Format a disk' }));
  const dialog = await screen.findByRole('dialog');
  fireEvent.change(within(dialog).getByLabelText('Name'), { target: { value: 'big' } });
  fireEvent.change(await within(dialog).findByLabelText('Disk'), { target: { value: '/dev/sdb' } });
  const send = within(dialog).getByRole('button', { name: 'Format the disk' });
  fireEvent.click(send);
  await waitFor(() => expect(asked.at(-1)?.[2]).toEqual({ name: 'big', disk: '/dev/sdb', wipe: false }));
  cleanup();
  await show([aPool()]);
  fireEvent.click(await screen.findByRole('button', { name: 'Format a disk' }));
  const again = await screen.findByRole('dialog');
  fireEvent.change(await within(again).findByLabelText('Disk'), { target: { value: '/dev/sdb' } });
  fireEvent.click(within(again).getByLabelText('Erase /dev/sdb and all that is on it: NTFS named photos'));
  fireEvent.click(within(again).getByRole('button', { name: 'Format the disk' }));
  await waitFor(() => expect(asked.at(-1)?.[2]).toEqual({ name: '', disk: '/dev/sdb', wipe: true }));
});

const press = async (name: string, fill: (dialog: HTMLElement) => void, submit: string) => {
  fireEvent.click(await screen.findByRole('button', { name }));
  const dialog = await screen.findByRole('dialog');
  fill(dialog);
  fireEvent.click(within(dialog).getByRole('button', { name: submit }));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
};
const type = (label: string, value: string) => (dialog: HTMLElement) =>
  fireEvent.change(within(dialog).getByLabelText(label), { target: { value } });

test('volumes are made, cloned, resized and deleted', async () => {
  const pool = aPool();
  await show([pool], { volumes: [aVolume()] });
  await press('Add volume to default', type('Name', 'new.qcow2'), 'Add volume');
  await press('Clone data.qcow2', type('Name', 'copy.qcow2'), 'Clone');
  await press('Resize data.qcow2', type('Size (GiB)', '40'), 'Resize');
  await press('Resize data.qcow2', type('Size (GiB)', '10'), 'Resize');
  await press('Delete data.qcow2', () => undefined, 'Delete');
  const volumes = `/api/v1/pools/${pool.id}/volumes`;
  const gib = 1024 ** 3;
  expect(asked).toEqual([
    ['POST', volumes, { name: 'new.qcow2', format: 'qcow2', size_bytes: 20 * gib, full: false }],
    ['POST', volumes, { name: 'copy.qcow2', format: 'qcow2', source: { volume: { pool: pool.id, name: 'data.qcow2' } } }],
    ['PATCH', `${volumes}/data.qcow2`, { size_bytes: 40 * gib, shrink: false }],
    ['PATCH', `${volumes}/data.qcow2`, { size_bytes: 10 * gib, shrink: false }],
    ['DELETE', `${volumes}/data.qcow2`, null],
  ]);
});
