// The performance page: figures of this machine, live and of the last hour.
import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complaints, expectAccessible, launch, logIn, newContext } from './browser';
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

test('the host’s figures move, VMs join them, and all of it becomes a spreadsheet', async () => {
  const page = await (await newContext(browser)).newPage();
  page.setDefaultTimeout(20_000);
  const found = complaints(page);
  await logIn(page, daemon);
  await page.getByRole('link', { name: 'Performance' }).click();
  const cpu = page.getByRole('img', { name: /^CPU/ });
  await cpu.waitFor();
  const label = () => cpu.getAttribute('aria-label');
  await expect.poll(label, { timeout: 20_000 }).toMatch(/Host: \d/);
  // Memory changes all the time: the line goes on.
  const memory = page.getByRole('img', { name: /^Memory/ });
  const first = await memory.getAttribute('aria-label');
  await expect.poll(() => memory.getAttribute('aria-label'), { timeout: 30_000 }).not.toBe(first);
  await page.getByRole('checkbox', { name: 'test', exact: true }).check();
  await expect.poll(label).toMatch(/; test: /);
  await expectAccessible(page);
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as CSV' }).click();
  const lines = (await readFile(await (await download).path(), 'utf8')).split('\r\n');
  expect(lines[0]).toMatch(/^time,name,cpu_cores/);
  expect(lines.some((line) => line.includes(',Host,'))).toBe(true);
  await page.getByRole('button', { name: '1 hour' }).click();
  await page.getByRole('button', { name: 'Read again' }).waitFor();
  expect(new URL(page.url()).searchParams.get('range')).toBe('hour');
  expect(found).toEqual([]);
});
