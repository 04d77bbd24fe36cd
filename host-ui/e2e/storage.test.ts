// Storage pools and volumes, as a person goes through them.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { complaints, expectAccessible, launch, logIn, newContext } from './browser';
import { Daemon } from './daemon';

let daemon: Daemon;
let browser: Browser;
let page: Page;
let found: string[];

beforeAll(async () => {
  [daemon, browser] = await Promise.all([Daemon.start(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});
beforeEach(async () => {
  page = await (await newContext(browser)).newPage();
  found = complaints(page);
  await logIn(page, daemon);
  await page.getByRole('link', { name: 'Storage' }).click();
});
afterEach(async () => {
  await page.context().close();
  expect(found).toEqual([]);
});

const card = (name: string) => page.getByRole('region', { name, exact: true });
const dialog = () => page.getByRole('dialog');

test('a pool is added, a volume is made in it, grown and deleted, and the pool removed', async () => {
  await page.getByRole('button', { name: 'Add pool' }).click();
  await expectAccessible(page);
  await dialog().getByLabel('Name').fill('fast disks');
  await dialog().getByRole('button', { name: 'Add pool' }).click();
  await expect.poll(() => dialog().getByLabel('Name').getAttribute('aria-invalid')).toBe('true');
  await dialog().getByLabel('Name').fill('fast');
  await dialog().getByRole('button', { name: 'Add pool' }).click();
  await card('fast').getByText('Active', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Add volume to fast' }).click();
  await expectAccessible(page);
  await dialog().getByLabel('Name').fill('data.qcow2');
  await dialog().getByLabel('Size (GiB)').fill('2');
  await dialog().getByRole('button', { name: 'Add volume' }).click();
  const row = card('fast').getByRole('row', { name: /data\.qcow2/ });
  await row.getByText('2 GiB').waitFor();
  await expectAccessible(page);
  const pictures = process.env['QX_PICTURES'];
  if (pictures !== undefined) await page.screenshot({ path: `${pictures}/storage.png` });
  await page.getByRole('button', { name: 'Delete data.qcow2' }).click();
  await dialog().getByText('The disk (2 GiB) and everything on it is deleted.').waitFor();
  await dialog().getByRole('button', { name: 'Delete' }).click();
  await row.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Remove fast' }).click();
  await dialog().getByRole('button', { name: 'Remove' }).click();
  await card('fast').waitFor({ state: 'detached' });
});

test('the host’s own pool says why it stays, and a second window sees what the first one does', async () => {
  await page.getByRole('button', { name: 'Remove default', exact: true }).focus();
  await page.getByRole('tooltip').filter({ hasText: 'always there' }).first().waitFor();
  const other = await page.context().newPage();
  await other.goto(`${daemon.url}/storage`);
  await other.getByRole('region', { name: 'default', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Add volume to default', exact: true }).click();
  await dialog().getByLabel('Name').fill('shared.qcow2');
  await dialog().getByRole('button', { name: 'Add volume' }).click();
  await other.getByRole('row', { name: /shared\.qcow2/ }).waitFor();
});
