// A VM that is held, changed, and given devices, as a person goes through it.
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
});
afterEach(async () => {
  await page.context().close();
  expect(found).toEqual([]);
});

const heading = (name: string) => page.getByRole('heading', { name, level: 1 });

/** Makes a VM that is off, and goes to its page. */
async function openVm(name: string): Promise<void> {
  await page.getByRole('button', { name: 'Create VM' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  await dialog.getByLabel('Disk', { exact: true }).selectOption('none');
  await dialog.getByLabel('Start it as soon as it exists').uncheck();
  await dialog.getByRole('button', { name: 'Create VM' }).click();
  await page.getByRole('link', { name, exact: true }).click();
  await heading(name).waitFor();
}

async function choose(menu: string, action: string): Promise<void> {
  await page.getByRole('button', { name: `More actions for ${menu}` }).click();
  await page.getByRole('menuitem', { name: action }).click();
}

const state = (text: string) => page.getByText(text, { exact: true }).first().waitFor();

test('a VM is cloned, under a name that is free', async () => {
  await openVm('origin');
  await choose('origin', 'Clone …');
  const dialog = page.getByRole('dialog', { name: 'Clone origin' });
  await dialog.waitFor();
  await expectAccessible(page);
  await dialog.getByLabel('Name', { exact: true }).fill('origin');
  await dialog.getByRole('button', { name: 'Clone' }).click();
  await dialog.getByText('a VM named origin').waitFor();
  await dialog.getByLabel('Name', { exact: true }).fill('origin-2');
  await dialog.getByLabel('Description').fill('as it was');
  await dialog.getByRole('button', { name: 'Clone' }).click();
  await page.getByText('origin-2 is being made').waitFor();
  await page.getByRole('link', { name: 'Back to all VMs' }).click();
  await page.getByRole('link', { name: 'origin-2', exact: true }).click();
  await heading('origin-2').waitFor();
  await page.getByText('as it was').waitFor();
});

test('a VM is paused, resumed, suspended to disk, and its saved memory discarded', async () => {
  await openVm('hold1');
  await page.getByRole('button', { name: 'Start hold1' }).click();
  await state('Running');
  await choose('hold1', 'Pause');
  await state('Paused');
  await page.getByRole('button', { name: 'Resume hold1' }).click();
  await state('Running');
  await choose('hold1', 'Suspend to disk');
  await state('Suspended');
  await choose('hold1', 'Discard saved memory …');
  const dialog = page.getByRole('dialog', { name: 'Discard the saved memory of hold1?' });
  await dialog.getByRole('button', { name: 'Discard saved memory' }).click();
  await state('Off');
});

test('an action that does not fit says why', async () => {
  await openVm('hold2');
  await page.getByRole('button', { name: 'More actions for hold2' }).click();
  await page.getByRole('menuitem', { name: /^Pause/ }).getByText('The VM is off.').waitFor();
});

test('a VM is edited; what waits for the next start is shown', async () => {
  await openVm('edit1');
  await page.getByRole('button', { name: 'Edit edit1' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit edit1' });
  await expectAccessible(page);
  await dialog.getByLabel('Tags').fill('prod web');
  await dialog.getByLabel('Memory (MiB)').fill('nonsense');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const memory = dialog.getByLabel('Memory (MiB)');
  await expect.poll(() => memory.getAttribute('aria-invalid')).toBe('true');
  await memory.fill('1024');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('prod', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Start edit1' }).click();
  await state('Running');
  await page.getByRole('button', { name: 'Edit edit1' }).click();
  await page.getByRole('dialog').getByLabel('Memory (MiB)').fill('2048');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByText('Changes wait until this VM was off').waitFor();
});

test('a VM is told to start with the host, in its order', async () => {
  await openVm('auto1');
  await page.getByRole('button', { name: 'Edit auto1' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit auto1' });
  await dialog.getByLabel('Start with the host').check();
  await dialog.getByLabel('Order').fill('99999');
  await dialog.getByLabel('Then wait (s)').fill('30');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('Must be 0 to 9999', { exact: true }).waitFor();
  await dialog.getByLabel('Order').fill('10');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('Yes, order 10, the next 30 s later').waitFor();
});

test('a disk and a NIC are plugged in and taken away', async () => {
  await openVm('dev1');
  await page.getByRole('button', { name: 'Add disk' }).click();
  const dialog = page.getByRole('dialog');
  await expectAccessible(page);
  await dialog.getByLabel('Disk size (GiB)').fill('1');
  await dialog.getByRole('button', { name: 'Add disk' }).click();
  await page.getByText('vda', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Add NIC' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Add NIC' }).click();
  await expect.poll(() => page.getByText('on default').count()).toBe(2);
  await choose('vda', 'Remove …');
  await page.getByRole('dialog').getByLabel('Delete its file too, and everything on it').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByText('This VM has no drives.').waitFor();
});
