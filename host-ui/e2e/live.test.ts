// What moves the screen without the person: events, a lost connection, an expired session.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';
import { launch, logIn, newContext } from './browser';
import { Daemon, password } from './daemon';

let daemon: Daemon;
let browser: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  [daemon, browser] = await Promise.all([Daemon.start(), launch()]);
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});
beforeEach(async () => {
  context = await newContext(browser);
  page = await context.newPage();
  await logIn(page, daemon);
});
afterEach(() => context.close());

/** Asks the daemon with the page's cookie, as another tab would. */
async function ask(method: string, path: string, data?: object): Promise<void> {
  const session = await context.request.get(`${daemon.url}/api/v1/session`);
  const { csrf_token: token } = (await session.json()) as { csrf_token: string };
  const headers = { 'X-CSRF-Token': token };
  const response = await context.request.fetch(daemon.url + path, { method, headers, ...(data && { data }) });
  expect(response.ok(), await response.text()).toBe(true);
}

const newVm = (name: string) => ({ name, disks: [], nics: [] });

test('a VM that somebody else makes appears, without a request of the page', async () => {
  await page.getByRole('heading', { name: 'Virtual machines' }).waitFor();
  const requests: string[] = [];
  page.on('request', (request) => requests.push(new URL(request.url()).pathname));
  await ask('POST', '/api/v1/vms', newVm('elsewhere1'));
  await page.getByRole('link', { name: 'elsewhere1', exact: true }).waitFor();
  expect(requests.filter((path) => path === '/api/v1/vms')).toEqual([]);
});

test('a lost connection is shown, and healed by itself', async () => {
  await ask('POST', '/api/v1/vms', newVm('before'));
  await page.getByRole('link', { name: 'before', exact: true }).waitFor();
  await daemon.kill();
  await page.getByText('Connection to the host lost.').waitFor();
  // The page stays as it was.
  expect(await page.getByRole('link', { name: 'before', exact: true }).count()).toBe(1);
  await daemon.run();
  await page.getByText('Connection to the host lost.').waitFor({ state: 'detached' });
});

test('an expired session keeps the form; after a new log-in it is sent', async () => {
  await page.getByRole('button', { name: 'Create VM' }).first().click();
  const form = page.getByRole('dialog', { name: 'Create a virtual machine' });
  await form.getByLabel('Name', { exact: true }).fill('survivor');
  await form.getByLabel('Disk', { exact: true }).selectOption('none');
  await ask('DELETE', '/api/v1/session');
  const renew = page.getByRole('dialog', { name: 'Your session has expired' });
  await renew.getByLabel('Password').fill(password);
  await renew.getByRole('button', { name: 'Log in' }).click();
  await renew.waitFor({ state: 'detached' });
  expect(await form.getByLabel('Name', { exact: true }).inputValue()).toBe('survivor');
  await form.getByRole('button', { name: 'Create VM' }).click();
  await page.getByRole('link', { name: 'survivor', exact: true }).waitFor();
});

/** Answers the next `times` requests for `what` as a browser does whose network changes meanwhile. */
async function loses(from: Page, what: string, times: number): Promise<() => number> {
  let lost = 0;
  await from.route(what, (route) => {
    if (lost === times) return route.continue();
    lost += 1;
    return route.abort('internetdisconnected');
  });
  return () => lost;
}

test('an unanswered log-in keeps the password', async () => {
  const fresh = await newContext(browser);
  const first = await fresh.newPage();
  const unanswered = await loses(first, '**/api/v1/session', 1);
  await first.goto(daemon.url);
  await first.getByLabel('Password').fill(password);
  await first.getByRole('button', { name: 'Log in' }).click();
  await first.getByText('The host does not answer').waitFor();
  expect(unanswered()).toBe(1);
  await first.getByRole('button', { name: 'Log in' }).click();
  await first.getByRole('button', { name: 'Log out' }).waitFor();
  await fresh.close();
});

const there = (on: Page) => on.getByRole('table', { name: 'Virtual machines' }).waitFor();
const words = (on: Page) => on.getByText('This page has not loaded completely');

test('a page that lost its script loads itself again, three times at most; an empty one says what to do', async () => {
  const healed = await context.newPage();
  const twice = await loses(healed, '**/assets/app-*.js', 2);
  await healed.goto(daemon.url);
  await there(healed);
  expect(twice()).toBe(2);

  const lasting = await context.newPage();
  const always = await loses(lasting, '**/assets/app-*.js', Infinity);
  await lasting.goto(daemon.url);
  await expect.poll(always, { timeout: 30_000 }).toBe(4);
  await words(lasting).waitFor();
  expect(always()).toBe(4);

  const empty = await context.newPage();
  const everything = [await loses(empty, '**/first.js', 1), await loses(empty, '**/assets/**', 3)];
  await empty.goto(daemon.url);
  await words(empty).waitFor();
  expect(everything.map((count) => count())).toEqual([1, 3]);
  await empty.getByRole('link', { name: 'Load it again' }).click();
  await there(empty);
});

test('a part of the page that does not arrive is told, and comes when the page is loaded again', async () => {
  const broken = await context.newPage();
  let asked = 0;
  await broken.route(/\/assets\/dialogs-.*\.js$/, (route) => {
    asked += 1;
    return route.abort();
  });
  await broken.goto(daemon.url);
  await broken.getByRole('button', { name: 'Create VM' }).first().click();
  await broken.getByText('The host does not answer.').waitFor();
  expect(asked).toBeGreaterThan(0);
  await broken.unroute(/\/assets\/dialogs-.*\.js$/);
  await broken.getByRole('button', { name: 'Try again' }).click();
  await broken.getByRole('button', { name: 'Create VM' }).first().click();
  await broken.getByRole('dialog', { name: 'Create a virtual machine' }).waitFor();
});
