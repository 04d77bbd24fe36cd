// Every page and dialog in both themes and at both widths: accessible, nothing sticking out, nothing
// complaining. Takes the pictures for the documentation.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complaints, desktop, expectAccessible, launch, type Look, logIn, newContext, phone, picture } from './browser';
import { Daemon } from './daemon';

let daemon: Daemon;
let browser: Browser;

beforeAll(async () => {
  [daemon, browser] = await Promise.all([Daemon.start(), launch()]);
  await mkdir(join(daemon.directory, 'data/log'));
  const lines = Array.from({ length: 60 }, (_, n) => `Nov 30 12:00:${String(59 - n).padStart(2, '0')} qx1 user.info qx-node: ${n === 59 ? 'ready' : `request ${n} answered`}\n`);
  await writeFile(join(daemon.directory, 'data/log/messages'), lines.join(''));
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
});

const looks: Look[] = [desktop, { ...desktop, theme: 'dark' }, phone, { ...phone, theme: 'dark' }];

/** Nothing is wider than the window. */
async function expectFits(page: Page): Promise<void> {
  const { scrollWidth, clientWidth } = await page.evaluate<{ scrollWidth: number; clientWidth: number }>(
    '({ scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth })',
  );
  expect(scrollWidth).toBeLessThanOrEqual(clientWidth);
}

/** The stops of the tour: how to get there, and what must be there. */
const stops: [name: string, go: (page: Page) => Promise<unknown>][] = [
  ['main', (page) => page.getByRole('table', { name: 'Virtual machines' }).waitFor()],
  ['create', async (page) => {
    await page.getByRole('button', { name: 'Create VM' }).click();
    await page.getByRole('dialog').waitFor();
  }],
  ['create-guest', async (page) => {
    await page.getByLabel('Disk', { exact: true }).selectOption('Copy of an image');
    await page.getByLabel('Network of the guest').selectOption('Static addresses');
    await page.getByLabel('Name servers').scrollIntoViewIfNeeded();
  }],
  ['menu', async (page) => {
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'More actions for test' }).click();
    await page.getByRole('menu').waitFor();
  }],
  ['stop', async (page) => {
    await page.getByRole('menuitem', { name: 'Force stop …' }).click();
    await page.getByRole('dialog').waitFor();
  }],
  ['vm', async (page) => {
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'test', exact: true }).click();
    await page.getByRole('heading', { name: 'Drives' }).waitFor();
  }],
  ['snapshots', async (page) => {
    await page.getByRole('link', { name: 'Snapshots' }).click();
    await page.getByText('No snapshots').or(page.getByRole('button', { name: /^Revert to/ }).first()).waitFor();
  }],
  ['take-snapshot', async (page) => {
    await page.getByRole('button', { name: 'Take snapshot' }).click();
    await page.getByRole('dialog').waitFor();
  }],
  ['snapshot-taken', async (page) => {
    await page.getByRole('dialog').getByRole('button', { name: 'Take snapshot' }).click();
    await page.getByText('Present', { exact: true }).waitFor();
  }],
  ['tasks', async (page) => {
    await page.getByRole('button', { name: 'Tasks' }).click();
    await page.getByRole('dialog').getByText('Done', { exact: true }).first().waitFor();
  }],
  ['console', async (page) => {
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Console', exact: true }).click();
    await page.locator('.xterm-screen').waitFor();
  }],
  ['no-screen', async (page) => {
    await page.getByRole('button', { name: 'Screen', exact: true }).click();
    await page.getByText('This VM has no screen now').waitFor();
  }],
  ['guest', async (page) => {
    await page.getByRole('link', { name: 'Guest', exact: true }).click();
    // libvirt's test driver runs no guest.
    await page.getByText('The guest did not answer').waitFor();
  }],
  ['images', async (page) => {
    await page.getByRole('link', { name: 'Images' }).click();
    await page.getByText('No images yet').waitFor();
  }],
  ['networks', async (page) => {
    await page.getByRole('link', { name: 'Networks' }).click();
    await page.getByRole('link', { name: 'default' }).or(page.getByText('default').first()).first().waitFor();
  }],
  ['performance', async (page) => {
    await page.getByRole('link', { name: 'Performance' }).click();
    await page.getByRole('heading', { name: 'Performance' }).waitFor();
    await page.locator('canvas').first().waitFor();
  }],
  ['access', async (page) => {
    await page.getByRole('link', { name: 'Users and tokens' }).click();
    await page.getByText('There are no users beside root').waitFor();
    await page.getByRole('cell', { name: /session_create/ }).first().waitFor();
  }],
  ['foreign-network', async (page) => {
    await page.getByRole('link', { name: 'Host network' }).click();
    await page.getByText('does not run on a host of Quantix-OS').first().waitFor();
    await page.getByRole('table').waitFor();
  }],
  ['foreign-settings', async (page) => {
    await page.getByRole('link', { name: 'Host settings' }).click();
    await page.getByLabel('Host name').waitFor();
  }],
  ['configuration', async (page) => {
    await page.getByRole('link', { name: 'Configuration' }).click();
    await page.getByRole('heading', { name: 'Factory reset' }).waitFor();
  }],
  ['backup', async (page) => {
    await page.getByRole('button', { name: 'Download a backup …' }).click();
    await page.getByRole('dialog').getByLabel('Leave it readable').check();
  }],
  ['restore', async (page) => {
    await page.keyboard.press('Escape');
    const file = { name: 'qx1.tar.age', mimeType: 'application/octet-stream', buffer: Buffer.from('age-encryption.org/v1\n') };
    await page.getByLabel('Choose a backup …').setInputFiles(file);
    await page.getByRole('dialog').getByLabel('Passphrase', { exact: true }).waitFor();
  }],
  ['reset', async (page) => {
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Factory reset …' }).click();
    await page.getByRole('dialog').getByLabel('The configuration and all data').check();
    await page.getByText('VMs: test').waitFor();
  }],
  ['updates', async (page) => {
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Updates' }).click();
    await page.getByRole('heading', { name: 'Updates' }).waitFor();
    await page.getByText('Reading the updates …').waitFor({ state: 'detached' });
  }],
  ['logs', async (page) => {
    await page.getByRole('link', { name: 'Logs' }).click();
    await page.getByLabel('Lines', { exact: true }).getByText('Nov 30 12:00:00 qx1 user.info qx-node: ready').waitFor();
  }],
  ['power', async (page) => {
    await page.getByRole('link', { name: 'Host and VMs' }).click();
    await page.getByRole('button', { name: /^Power of / }).click();
    // This machine is not the daemon's to switch off.
    await page.getByRole('menuitem', { name: /^Shut the host down …/, disabled: true }).waitFor();
  }],
];

test.each(looks)('at $width px, $theme', async (look) => {
  const context = await newContext(browser, look);
  const page = await context.newPage();
  const found = complaints(page);
  await page.goto(daemon.url);
  await page.getByLabel('Password').waitFor();
  await check(page, 'login', look);
  await logIn(page, daemon);
  for (const [name, go] of stops) {
    await go(page);
    await check(page, name, look);
  }
  expect(found).toEqual([]);
  await context.close();
});

async function check(page: Page, name: string, look: Look): Promise<void> {
  await picture(page, `${name}-${look.width}-${look.theme}`);
  await expectFits(page);
  await expectAccessible(page);
}

test('German is complete on every page', async () => {
  const context = await newContext(browser, { ...desktop, locale: 'de-DE' });
  const page = await context.newPage();
  await page.goto(daemon.url);
  await page.getByLabel('Passwort').fill('x');
  await page.getByLabel('Sprache').selectOption('English');
  await page.getByLabel('Password').waitFor();
  await page.getByLabel('Language').selectOption('Deutsch');
  expect(await page.getByLabel('Passwort').inputValue()).toBe('x');
  await context.close();
});
