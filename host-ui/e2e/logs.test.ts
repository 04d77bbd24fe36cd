// The host's logs, as they are written.
import { appendFile, mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complaints, launch, logIn, newContext } from './browser';
import { Daemon } from './daemon';

let daemon: Daemon;
let browser: Browser;

beforeAll(async () => {
  [daemon, browser] = await Promise.all([Daemon.start(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

test('lines appear as they are written, also after the file was begun anew, and are narrowed down', async () => {
  const page = await (await newContext(browser)).newPage();
  page.setDefaultTimeout(30_000);
  const found = complaints(page);
  const file = join(daemon.directory, 'data/log/messages');
  await mkdir(join(daemon.directory, 'data/log'));
  await logIn(page, daemon);
  await page.getByRole('link', { name: 'Logs' }).click();
  await page.getByText('Nothing was logged here').filter({ visible: true }).waitFor();
  const lines = page.getByLabel('Lines', { exact: true });
  await appendFile(file, 'one\n<img src=x onerror=alert(1)>\n');
  await lines.getByText('onerror').waitFor();
  expect(await lines.textContent()).toBe('one\n<img src=x onerror=alert(1)>');
  await rename(file, `${file}.0`);
  await appendFile(file, 'two\n');
  await lines.getByText('two').waitFor();
  await page.getByLabel('Only lines with').fill('TWO');
  await page.keyboard.press('Enter');
  await expect.poll(() => lines.textContent()).toBe('two');
  await appendFile(file, 'three\ntwo again\n');
  await lines.getByText('two again').waitFor();
  expect(await lines.textContent()).toBe('two\ntwo again');
  expect(found).toEqual([]);
});

test('a support bundle is handed to the browser', async () => {
  const page = await (await newContext(browser)).newPage();
  const found = complaints(page);
  await logIn(page, daemon, '/logs');
  await page.getByRole('button', { name: 'Support bundle …' }).click();
  const dialog = page.getByRole('dialog', { name: 'Support bundle' });
  const handed = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Download' }).click();
  const download = await handed;
  expect(download.suggestedFilename()).toMatch(/-support-\d{4}-\d\d-\d\d-\d{4}\.tar\.gz$/);
  await dialog.waitFor({ state: 'detached' });
  const bytes = await readFile(await download.path());
  // gzip (RFC 1952).
  expect([...bytes.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
  expect(found).toEqual([]);
});
