// The consoles of a VM that really runs: its firmware draws on the screen, and takes keys from it.
import { chmod } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complaints, expectAccessible, launch, logIn, newContext, picture } from './browser';
import { Daemon } from './daemon';
import { Libvirtd } from './libvirtd';

let libvirtd: Libvirtd;
let daemon: Daemon;
let browser: Browser;

beforeAll(async () => {
  [libvirtd, browser] = await Promise.all([Libvirtd.start(), launch()]);
  daemon = await Daemon.start(libvirtd.uri);
  // QEMU's user opens the VM's files in it.
  await chmod(daemon.directory, 0o711);
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
  await libvirtd.stop();
});

async function createVm(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Create VM' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Create a virtual machine' });
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  await dialog.getByLabel('Disk size (GiB)').fill('1');
  await dialog.getByRole('button', { name: 'Create VM' }).click();
  const row = page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
  await row.getByText('Running', { exact: true }).waitFor();
}

/** How many pixels of the screen are not of the colour of its first one. */
const drawn = (page: Page): Promise<number> =>
  page.evaluate<number>(`(() => {
    const canvas = document.querySelector('[role=application]');
    if (canvas === null || canvas.width === 0) return 0;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let other = 0;
    for (let at = 4; at < data.length; at += 4)
      if (data[at] !== data[0] || data[at + 1] !== data[1] || data[at + 2] !== data[2]) other += 1;
    return other;
  })()`);

/** Polls until the screen holds. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 240_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test('the screen shows what the firmware draws, takes keys, and comes back when the VM restarts', async () => {
  const context = await newContext(browser);
  const page = await context.newPage();
  const found = complaints(page);
  await logIn(page, daemon);
  await createVm(page, 'screen1');
  await page.getByRole('link', { name: 'screen1', exact: true }).click();
  await page.getByRole('link', { name: 'Console', exact: true }).click();
  await page.getByRole('application', { name: 'Screen of screen1' }).waitFor();
  await page.getByText('Connected', { exact: true }).waitFor();
  await until('the firmware to draw', async () => (await drawn(page)) > 500);
  await expectAccessible(page);
  await picture(page, 'screen-1280-light');

  // The firmware's prompt answers to keys: typed by hand, and typed for one.
  const before = await drawn(page);
  await page.getByRole('application').press('Enter');
  await page.getByRole('button', { name: 'Type text' }).click();
  await page.getByRole('dialog').getByLabel('Text').fill('exit\nhelp\n');
  await picture(page, 'type-1280-light');
  await page.getByRole('dialog').getByRole('button', { name: 'Type', exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await until('the firmware to answer', async () => (await drawn(page)) !== before);

  // A modifier that is held is seen to be, and let go again.
  const ctrl = page.getByRole('group', { name: 'Keys to hold down' }).getByRole('button', { name: 'Ctrl' });
  await ctrl.click();
  expect(await ctrl.getAttribute('aria-pressed')).toBe('true');
  await ctrl.click();
  expect(await ctrl.getAttribute('aria-pressed')).toBe('false');

  // Keyboard alone: in by Tab, out by Ctrl-F6.
  await page.getByRole('application').focus();
  await page.keyboard.press('Control+F6');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Screen');

  await page.getByRole('button', { name: 'More actions for screen1' }).click();
  await page.getByRole('menuitem', { name: 'Force stop …' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Force stop' }).click();
  await page.getByText('The VM is off. The console connects by itself when it starts.').waitFor();
  await page.getByRole('button', { name: 'Start screen1' }).click();
  await page.getByText('Connected', { exact: true }).waitFor();
  await until('the firmware to draw again', async () => (await drawn(page)) > 500);

  const opening = context.waitForEvent('page');
  await page.getByRole('button', { name: 'Open in a window of its own' }).click();
  const alone = await opening;
  found.push(...complaints(alone));
  await alone.getByText('Connected', { exact: true }).waitFor();
  await until('the second viewer to see it', async () => (await drawn(alone)) > 500);
  expect(await alone.getByRole('navigation').count()).toBe(0);
  await picture(alone, 'pop-out-1280-light');
  // The first goes on: nobody shuts another one out.
  await page.getByText('Connected', { exact: true }).waitFor();

  await page.getByRole('button', { name: 'Serial console', exact: true }).click();
  await page.locator('.xterm-screen').waitFor();
  await page.getByText('Connected', { exact: true }).waitFor();
  await page.getByLabel('Search', { exact: true }).fill('no such text');
  await page.getByLabel('Search', { exact: true }).press('Enter');
  await page.getByText('Not found').waitFor();
  await expectAccessible(page);
  await picture(page, 'serial-1280-light');
  expect(found).toEqual([]);
  await context.close();
});
