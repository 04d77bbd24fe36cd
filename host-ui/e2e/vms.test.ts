// A VM's life, as a person goes through it.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { complaints, launch, logIn, newContext } from './browser';
import { Daemon, password } from './daemon';

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
});
afterEach(async () => {
  await page.context().close();
  expect(found).toEqual([]);
});

const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });

async function createVm(name: string): Promise<void> {
  await page.getByRole('button', { name: 'Create VM' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Create a virtual machine' });
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  await dialog.getByLabel('Disk size (GiB)').fill('1');
  await dialog.getByLabel('Start it as soon as it exists').uncheck();
  await dialog.getByRole('button', { name: 'Create VM' }).click();
  await row(name).waitFor();
}

async function choose(name: string, action: string): Promise<void> {
  await page.getByRole('button', { name: `More actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: action }).click();
}

test('a wrong password is refused in words, the right one leads to the page that was asked for', async () => {
  await page.goto(`${daemon.url}/images`);
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('Wrong user name or password').waitFor();
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Image library' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/images');
});

test('a VM is created, started, stopped by force and deleted', async () => {
  await logIn(page, daemon);
  await createVm('life1');
  await row('life1').getByText('Off', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Start life1' }).click();
  await row('life1').getByText('Running').waitFor();

  await choose('life1', 'Force stop …');
  const stop = page.getByRole('dialog', { name: 'Force stop life1?' });
  await stop.getByRole('button', { name: 'Force stop' }).click();
  await row('life1').getByText('Off', { exact: true }).waitFor();

  await choose('life1', 'Delete …');
  const remove = page.getByRole('dialog', { name: 'Delete life1?' });
  await remove.getByRole('checkbox', { name: 'Delete its disk too' }).check();
  await remove.getByText('life1', { exact: false }).first().waitFor();
  await remove.getByRole('button', { name: 'Delete VM and disk' }).click();
  await row('life1').waitFor({ state: 'detached' });
});

test('the guest is asked to shut down', async () => {
  await logIn(page, daemon);
  await createVm('life2');
  await page.getByRole('button', { name: 'Start life2' }).click();
  await page.getByRole('button', { name: 'Shut down life2' }).click();
  await row('life2').getByText('Off', { exact: true }).waitFor();
});

test('what the daemon refuses stands beside its field, and the form keeps what was typed', async () => {
  await logIn(page, daemon);
  await page.getByRole('button', { name: 'Create VM' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('no spaces allowed');
  await dialog.getByLabel('Description (optional)').fill('kept');
  await dialog.getByRole('button', { name: 'Create VM' }).click();
  const name = dialog.getByLabel('Name', { exact: true });
  await expect.poll(() => name.getAttribute('aria-invalid')).toBe('true');
  await dialog.getByText(/letters, digits/i).first().waitFor();
  expect(await dialog.getByLabel('Description (optional)').inputValue()).toBe('kept');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
});

test('a VM is found by its name, and the search is part of the address', async () => {
  await logIn(page, daemon);
  await createVm('needle');
  await page.getByRole('searchbox', { name: 'Search VMs' }).fill('NEED');
  await expect.poll(() => page.getByRole('row').count()).toBe(2);
  expect(new URL(page.url()).searchParams.get('q')).toBe('NEED');
  await page.getByRole('searchbox').fill('no such VM');
  await page.getByRole('button', { name: 'Clear the search' }).click();
  await row('needle').waitFor();
});

test('a VM has a page of its own, also by its address', async () => {
  await logIn(page, daemon);
  await createVm('detail');
  await page.getByRole('link', { name: 'detail', exact: true }).click();
  await page.getByRole('heading', { name: 'detail', level: 1 }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Drives' }).waitFor();
  await page.goto(`${daemon.url}/vms/00000000-0000-4000-8000-000000000000`);
  await page.getByText('This VM does not exist').waitFor();
});

test('log-out ends the session', async () => {
  await logIn(page, daemon);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('button', { name: 'Log in' }).waitFor();
  await page.goto(daemon.url);
  await page.getByRole('button', { name: 'Log in' }).waitFor();
});

test('create and delete by keyboard alone', async () => {
  await logIn(page, daemon);
  await page.getByRole('button', { name: 'Create VM' }).first().focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('keys1');
  await page.keyboard.press('Enter');
  await row('keys1').getByText('Running').waitFor();
  await page.getByRole('button', { name: 'More actions for keys1' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Force stop …' }).waitFor();
  await page.keyboard.type('f');
  await page.keyboard.press('Enter');
  const stop = page.getByRole('dialog').getByRole('button', { name: 'Force stop' });
  await stop.waitFor();
  await tabTo('Force stop');
  await page.keyboard.press('Enter');
  await row('keys1').getByText('Off', { exact: true }).waitFor();
});

/** Presses Tab until the focused control's text is `name`. */
async function tabTo(name: string): Promise<void> {
  for (let presses = 0; presses < 20; presses += 1) {
    if ((await page.evaluate('document.activeElement.textContent')) === name) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no Tab leads to ${name}`);
}
