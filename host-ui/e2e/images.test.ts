// The image library.
import { request } from 'node:https';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complaints, launch, logIn, newContext } from './browser';
import { Daemon } from './daemon';

let daemon: Daemon;
let browser: Browser;
let page: Page;
let found: string[];

beforeAll(async () => {
  [daemon, browser] = await Promise.all([Daemon.start(), launch()]);
  page = await (await newContext(browser)).newPage();
  found = complaints(page);
  await logIn(page, daemon, '/images');
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

const file = (name: string, bytes: number) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.alloc(bytes, 7) });

test('an empty library says what it is for', async () => {
  await page.getByText('No images yet').waitFor();
});

test('files are uploaded, listed, offered to new VMs and deleted', async () => {
  await page.locator('input[type=file]').first().setInputFiles([file('small system.iso', 3 << 20), file('disk.raw', 1 << 20)]);
  const image = page.getByRole('cell', { name: 'small-system.iso', exact: true });
  await image.waitFor();
  await page.getByRole('list', { name: 'Uploads' }).waitFor({ state: 'detached' });

  await page.getByRole('link', { name: 'Host and VMs' }).click();
  await page.getByRole('button', { name: 'Create VM' }).first().click();
  await page.getByLabel('CD image').selectOption('small-system.iso');
  await page.keyboard.press('Escape');

  await page.getByRole('link', { name: 'Images' }).click();
  await page.getByRole('button', { name: 'Delete small-system.iso' }).click();
  await page.getByRole('dialog', { name: 'Delete small-system.iso?' }).getByRole('button', { name: 'Delete', exact: true }).click();
  await image.waitFor({ state: 'detached' });
  expect(found).toEqual([]);
});

test('a VM made of an image gets a CD that sets its guest up', async () => {
  await page.locator('input[type=file]').first().setInputFiles(file('cloud.raw', 1 << 20));
  await page.getByRole('cell', { name: 'cloud.raw', exact: true }).waitFor();
  await page.getByRole('link', { name: 'Host and VMs' }).click();
  await page.getByRole('button', { name: 'Create VM' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Create a virtual machine' });
  await dialog.getByLabel('Name', { exact: true }).fill('cloud1');
  await dialog.getByLabel('Disk', { exact: true }).selectOption('Copy of an image');
  await dialog.getByLabel('Disk image').selectOption('cloud.raw');
  await dialog.getByLabel('Account').fill('ops');
  await dialog.getByLabel('Password').fill('correct horse');
  const keys = dialog.getByLabel('SSH public keys');
  await keys.fill('not a key');
  await dialog.getByLabel('Start it as soon as it exists').uncheck();
  await dialog.getByRole('button', { name: 'Create VM' }).click();
  await expect.poll(() => keys.getAttribute('aria-invalid')).toBe('true');
  await dialog.getByText('Must be one public key').first().waitFor();
  await keys.fill('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqBsSFkLZ1KdDgVbwNJdcCwDw4L2xWKkrC3yVvyuOlB me@laptop');
  await dialog.getByRole('button', { name: 'Create VM' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'cloud1', exact: true }).click();
  await page.getByText('/cloud-init.iso').waitFor();
  await page.getByRole('link', { name: 'Images' }).click();
  expect(found).toEqual([]);
});

test('an upload that breaks off says so, and a new try succeeds', async () => {
  await page.route('**/api/v1/images/broken.iso', (route) => route.abort('connectionreset'), { times: 1 });
  await page.locator('input[type=file]').first().setInputFiles(file('broken.iso', 1 << 20));
  await page.getByText('Upload failed.').waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('cell', { name: 'broken.iso', exact: true }).waitFor();
});

/** Begins to send a file as a browser does, and pulls the cable when a part of it has arrived. */
async function sendAPart(name: string, content: Buffer, part: number): Promise<void> {
  const session = await page.context().request.get(`${daemon.url}/api/v1/session`);
  const { csrf_token: token } = (await session.json()) as { csrf_token: string };
  const cookie = (await page.context().cookies()).map((one) => `${one.name}=${one.value}`).join('; ');
  const headers = { cookie, origin: daemon.url, 'x-csrf-token': token, 'content-length': content.length };
  const sending = request(`${daemon.url}/api/v1/images/${name}`, { method: 'PUT', headers, rejectUnauthorized: false });
  sending.on('error', () => undefined);
  sending.write(content.subarray(0, part));
  const arrived = async () => {
    const answer = await page.context().request.get(`${daemon.url}/api/v1/image-uploads`);
    const { items } = (await answer.json()) as { items: { received_bytes: number; under_way: boolean }[] };
    return items[0];
  };
  await expect.poll(async () => (await arrived())?.received_bytes, { timeout: 20_000 }).toBe(part);
  sending.destroy();
  await expect.poll(async () => (await arrived())?.under_way, { timeout: 20_000 }).toBe(false);
}

test('an upload that was cut goes on after the page was loaded again', async () => {
  const content = Buffer.alloc(4 << 20);
  for (let at = 0; at < content.length; at += 4) content.writeUInt32LE(at, at);
  await sendAPart('cut.img', content, 3 << 20);
  await page.reload();
  await page.getByText('Broke off: 75 % of 4 MiB are on the host.').waitFor();
  const sent = page.waitForRequest((asked) => asked.method() === 'PUT');
  await page.locator('input[type=file]').first().setInputFiles({ name: 'cut.img', mimeType: 'application/octet-stream', buffer: content });
  expect((await sent).headers()['upload-offset']).toBe(`${3 << 20}`);
  await page.getByRole('cell', { name: 'cut.img', exact: true }).waitFor();
  await page.getByText('Broke off').waitFor({ state: 'detached' });

  // Another file of the same name and size is another one.
  await sendAPart('other.img', content, 3 << 20);
  const again = page.waitForRequest((asked) => asked.method() === 'PUT');
  const other = Buffer.alloc(content.length, 9);
  await page.locator('input[type=file]').first().setInputFiles({ name: 'other.img', mimeType: 'application/octet-stream', buffer: other });
  expect((await again).headers()['upload-offset']).toBe('0');
  await page.getByRole('cell', { name: 'other.img', exact: true }).waitFor();
});
