// The image library.
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
