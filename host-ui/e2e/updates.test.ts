// Updates. The daemon of these tests is not installed on slots, so it can't be updated, and says so.
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

test('a host without slots says why it can’t be updated, and offers nothing that would fail', async () => {
  const page = await (await newContext(browser)).newPage();
  const found = complaints(page);
  await logIn(page, daemon);
  const answer = await page.context().request.get(`${daemon.url}/api/v1/updates`);
  const { unavailable } = (await answer.json()) as { unavailable: string };
  await page.getByRole('link', { name: 'Updates' }).click();
  await page.getByText('This host can’t be updated').waitFor();
  expect(unavailable).toMatch(/\w/);
  await page.getByText(unavailable).waitFor();
  expect(await page.locator('main').getByRole('button').count()).toBe(0);
  await expectAccessible(page);
  expect(found).toEqual([]);
});
