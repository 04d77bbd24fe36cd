// A backup is downloaded, and what restores and resets say on a host that is not installed. What a restart makes of
// them is tested with the image.
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complaints, expectAccessible, launch, logIn, newContext } from './browser';
import { Daemon } from './daemon';

const passphrase = 'correct horse ä 42';

let daemon: Daemon;
let browser: Browser;

beforeAll(async () => {
  [daemon, browser] = await Promise.all([Daemon.start(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

async function download(page: Page): Promise<{ name: string; content: Buffer }> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('dialog').getByRole('button', { name: 'Download' }).click(),
  ]);
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  return { name: file.suggestedFilename(), content: await readFile(await file.path()) };
}

async function choose(page: Page, name: string, buffer: Buffer): Promise<void> {
  await page.getByLabel('Choose a backup …').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
  await page.getByRole('dialog').waitFor();
}

test('a backup is downloaded, opened again with its passphrase, and a restore and a reset are confirmed', async () => {
  const page = await (await newContext(browser)).newPage();
  page.setDefaultTimeout(30_000);
  const found = complaints(page);
  await logIn(page, daemon);
  await page.getByRole('link', { name: 'Configuration' }).click();
  const dialog = page.getByRole('dialog');

  await page.getByRole('button', { name: 'Download a backup …' }).click();
  await dialog.getByLabel('Passphrase', { exact: true }).fill('short');
  await dialog.getByLabel('The same again').fill('short');
  await dialog.getByRole('button', { name: 'Download' }).click();
  await dialog.getByText(/^Must be 12 to 256 characters/).waitFor();
  await dialog.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await dialog.getByLabel('The same again').fill(passphrase);
  const sealed = await download(page);
  expect(sealed.name).toMatch(/^.+-\d{4}-\d\d-\d\d\.tar\.age$/);
  expect(sealed.content.subarray(0, 22).toString()).toBe('age-encryption.org/v1\n');

  await page.getByRole('button', { name: 'Download a backup …' }).click();
  await dialog.getByLabel('Leave it readable').check();
  await expectAccessible(page);
  const open = await download(page);
  expect(open.content.subarray(0, 12).toString()).toBe('backup.json\0');

  const restore = dialog.getByRole('button', { name: 'Restore and restart' });
  await choose(page, sealed.name, sealed.content);
  await dialog.getByLabel('Passphrase', { exact: true }).fill('correct horse 42');
  await restore.click();
  await dialog.getByText('The passphrase is wrong.').waitFor();
  // The right one opens it; that the host can't restart into it is all that is left to say.
  await dialog.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await restore.click();
  await dialog.getByText(/needs an installed host/).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await choose(page, 'photo.jpg', Buffer.from('no backup'));
  await restore.click();
  await dialog.getByRole('alert').getByText(/backup/).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();

  await page.getByRole('button', { name: 'Factory reset …' }).click();
  await dialog.getByLabel('The configuration and all data').check();
  await dialog.getByText('VMs: test').waitFor();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Reset and restart' }).click();
  await dialog.getByText(/^Must be the name of this host/).waitFor();
  const name = dialog.getByLabel(/^Type the name of this host/);
  const label = await dialog.locator('label').filter({ hasText: 'Type the name' }).textContent();
  await name.fill(label?.split(': ')[1] ?? '');
  await dialog.getByRole('button', { name: 'Reset and restart' }).click();
  await dialog.getByText(/needs an installed host/).waitFor();
  expect(found).toEqual([]);
});
