// Users, tokens and the audit log, as an administrator and as one of the users sees them.
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

test('a user is made, makes a token, changes their password, and is disabled', async () => {
  const root = await (await newContext(browser)).newPage();
  root.setDefaultTimeout(30_000);
  const found = complaints(root);
  await logIn(root, daemon);
  await root.getByRole('link', { name: 'Users and tokens' }).click();
  await root.getByRole('button', { name: 'Make a user' }).click();
  const dialog = root.getByRole('dialog');
  await dialog.getByLabel('User name').fill('olga');
  await dialog.getByLabel('Password').fill('correct horse');
  await dialog.getByLabel('Role').selectOption('operator');
  await dialog.getByRole('button', { name: 'Make user' }).click();
  await root.getByRole('button', { name: 'Change olga' }).waitFor();
  await expectAccessible(root);

  const page = await (await newContext(browser)).newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(daemon.url);
  await page.getByLabel('User name').fill('olga');
  await page.getByLabel('Password').fill('correct horse');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('link', { name: 'Users and tokens' }).click();
  await page.getByRole('button', { name: 'Make a token' }).click();
  const token = page.getByRole('dialog');
  expect(await token.getByLabel('Role').getByRole('option').count()).toBe(2);
  await token.getByLabel('Name').fill('backup');
  await token.getByRole('button', { name: 'Make token' }).click();
  expect(await page.getByRole('status').filter({ hasText: 'qxt_' }).textContent()).toMatch(/^qxt_[0-9a-f]{64}$/);
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Revoke backup' }).waitFor();
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByLabel('Current password').fill('correct horse');
  await page.getByLabel('New password').fill('battery staple');
  await page.getByRole('dialog').getByRole('button', { name: 'Change password' }).click();
  await page.getByText('Your password was changed').waitFor();

  // What olga did is there without a reload, and so she can be changed as she is now.
  await root.getByRole('button', { name: 'Revoke backup' }).waitFor();
  await root.getByRole('button', { name: 'Read again' }).click();
  await root.getByRole('cell', { name: /password_change olga/ }).waitFor();
  await root.getByRole('button', { name: 'Change olga' }).click();
  await root.getByLabel('Keep them and their tokens out').check();
  await root.getByRole('button', { name: 'Change', exact: true }).last().click();
  await root.getByText('disabled', { exact: true }).waitFor();
  await page.getByText('Your session has expired').waitFor();
  expect(found).toEqual([]);
});
