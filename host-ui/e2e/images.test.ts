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

test('an upload that breaks off says so, and a new try succeeds', async () => {
  await page.route('**/api/v1/images/broken.iso', (route) => route.abort('connectionreset'), { times: 1 });
  await page.locator('input[type=file]').first().setInputFiles(file('broken.iso', 1 << 20));
  await page.getByText('Upload failed.').waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('cell', { name: 'broken.iso', exact: true }).waitFor();
});
