// What the first load may cost, from nothing cached to a list that can be used.
import { readFile, stat } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, logIn, newContext } from './browser';
import { Daemon } from './daemon';

const mostBytes = 150 * 1024;
const mostRequests = 12;
const dist = new URL('../dist', import.meta.url).pathname;

let daemon: Daemon;
let browser: Browser;

beforeAll(async () => {
  [daemon, browser] = await Promise.all([Daemon.start(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

/** Size as gzip: the file beside the asset, or the file itself where compressing gains nothing. */
async function gzipSize(path: string): Promise<number> {
  const file = dist + (path === '/' ? '/index.html' : path);
  const compressed = await stat(`${file}.gz`).catch(() => null);
  return compressed?.size ?? (await readFile(file)).length;
}

test(`the first load is at most ${mostBytes} bytes of gzip in at most ${mostRequests} requests`, async () => {
  const context = await newContext(browser);
  const session = await context.newPage();
  await logIn(session, daemon);
  await session.close();

  const page = await context.newPage();
  // What is fetched when there is nothing else to do is no part of it, however early that is.
  await page.addInitScript('globalThis.requestIdleCallback = () => 0');
  await (await context.newCDPSession(page)).send('Network.setCacheDisabled', { cacheDisabled: true });
  const paths: string[] = [];
  const answers: Promise<number>[] = [];
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    paths.push(pathname);
    if (pathname === '/api/v1/events') return;
    answers.push(pathname.startsWith('/api/') ? response.body().then((body) => gzipSync(body).length) : gzipSize(pathname));
  });
  await page.goto(daemon.url);
  await page.getByRole('table', { name: 'Virtual machines' }).waitFor();
  const bytes = (await Promise.all(answers)).reduce((sum, size) => sum + size, 0);
  process.stdout.write(`first load: ${bytes} bytes of gzip, ${paths.length} requests: ${paths.join(' ')}\n`);
  expect(bytes).toBeLessThanOrEqual(mostBytes);
  expect(paths.length).toBeLessThanOrEqual(mostRequests);
  await context.close();
});
