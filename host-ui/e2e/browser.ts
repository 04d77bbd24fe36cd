// Chromium for the tests: pages that remember what they complained about, log-in, accessibility checks.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { type Daemon, password } from './daemon';

export type Look = { width: number; height: number; theme: 'light' | 'dark'; locale?: string };

export const desktop: Look = { width: 1280, height: 800, theme: 'light' };
export const phone: Look = { width: 390, height: 844, theme: 'light' };

export const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: flags });

/** For a build machine that does other things as well; alone, nothing takes a second. */
const patienceMs = 120_000;

export async function newContext(browser: Browser, look: Look = desktop): Promise<BrowserContext> {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: look.width, height: look.height },
    colorScheme: look.theme,
    // Contrast is judged of what stays on the screen, not of a colour on its way to another.
    reducedMotion: 'reduce',
    locale: look.locale ?? 'en-US',
  });
  context.setDefaultTimeout(patienceMs);
  return context;
}

/** How Chromium itself reports an answer that is not 2xx. */
const refusal = /^Failed to load resource|Error during WebSocket handshake: Unexpected response code/;

/** What the page complained about: exceptions, console errors, broken CSP. Refusals by status are not in it. */
export function complaints(page: Page): string[] {
  const found: string[] = [];
  page.on('pageerror', (error) => found.push(error.message));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && !refusal.test(text)) found.push(text);
  });
  return found;
}

export async function logIn(page: Page, daemon: Pick<Daemon, 'url'>, path = '/'): Promise<void> {
  await page.goto(daemon.url + path);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('button', { name: 'Log out' }).waitFor();
}

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Fails on every serious or critical accessibility problem of what is on the screen. */
export async function expectAccessible(page: Page): Promise<void> {
  // By the debugger, because the CSP rightly keeps an injected script element from running.
  await page.evaluate(axeSource);
  const results = (await page.evaluate('axe.run()')) as AxeResults;
  const bad = results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
  expect(bad).toEqual([]);
}

/** Keeps a picture of the page for the documentation, when `QX_PICTURES` names a directory for them. */
export async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  const directory = process.env['QX_PICTURES'];
  if (directory !== undefined) await page.screenshot({ path: `${directory}/${name}.png`, animations: 'disabled', fullPage });
}
