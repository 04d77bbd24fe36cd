// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { cleanup, screen } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import type { Role, Vm } from '@/api/types';
import { renderPage } from '@/testing/render';
import { aVm } from '@/testing/samples';
import { VmList } from './vm-list';

type Problem = { status: number; title: string; detail: string };

const responseOf = (answer: Vm[] | Problem) =>
  Array.isArray(answer)
    ? Response.json({ items: answer, next: null })
    : Response.json(answer, { status: answer.status });

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** The list, with the daemon giving `answer` to its question: VMs, a problem, or what the function does. */
function show(answer: Vm[] | Problem | (() => Promise<Response>), { role = 'admin' as Role, search = '' } = {}) {
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  vi.stubGlobal('fetch', () => (typeof answer === 'function' ? answer() : Promise.resolve(responseOf(answer))));
  return renderPage(<VmList role={role} search={search} onSearch={() => undefined} />, cache);
}

test('an empty host says what to do first', async () => {
  await show([]);
  expect(await screen.findByText('No virtual machines yet')).toBeDefined();
  expect(screen.getAllByRole('button', { name: 'Create VM' })).toHaveLength(2);
});

test('a search without a match names what was searched for', async () => {
  await show([aVm()], { search: 'mail' });
  expect(await screen.findByText('No VM matches “mail”')).toBeDefined();
});

test('a list that is being read says so', async () => {
  await show(() => new Promise(() => undefined));
  expect(screen.getByRole('status').textContent).toContain('Reading');
});

test('a host that does not answer is said in words, with another try', async () => {
  await show(() => Promise.reject(new TypeError('Failed to fetch')));
  expect((await screen.findByRole('alert')).textContent).toContain('does not answer');
  expect(screen.getByRole('button', { name: 'Try again' })).toBeDefined();
});

test('a person without the right is told, and offered no other try', async () => {
  await show({ status: 403, title: 'Forbidden', detail: 'Your role may not list VMs.' });
  expect(await screen.findByText('Your role may not list VMs.')).toBeDefined();
  expect(screen.queryByRole('button', { name: 'Try again' })).toBeNull();
});

test('a viewer sees the VMs, with every control off and the reason on it', async () => {
  await show([aVm({ state: 'running' })], { role: 'viewer' });
  for (const name of ['Create VM', 'Shut down web1', 'Console of web1']) {
    const button = await screen.findByRole('button', { name });
    expect(button.getAttribute('aria-disabled')).toBe('true');
    expect(button.getAttribute('aria-describedby')).not.toBeNull();
  }
});

test('what a guest or another tool put into a name shows as text', async () => {
  const name = '<img src=x onerror=alert(1)>';
  await show([aVm({ name, description: '"><script>alert(1)</script>' })]);
  expect((await screen.findByRole('link', { name })).textContent).toBe(name);
  expect(document.querySelector('script, img')).toBeNull();
});
