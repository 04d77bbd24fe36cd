// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { act, cleanup, fireEvent, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sessionStore } from '@/session/store';
import { renderPage } from '@/testing/render';
import { LogsPage } from './logs-page';
import { SupportBundle } from './support-bundle';

let asked: string[];
/** Adds lines to the log that is followed. */
let say: (lines: readonly string[]) => void;

function streamed(first: readonly string[]): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      say = (lines) => controller.enqueue(encoder.encode(`data: ${JSON.stringify({ log: 'system', lines })}\n\n`));
      say(first);
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

const found = (lines: readonly string[]) => (request: Request) =>
  new URL(request.url).pathname.endsWith('/follow') ? streamed(lines) : Response.json({ log: 'system', lines });

async function show(answer: (request: Request) => Response) {
  vi.stubGlobal('fetch', async (input: Request | string, init?: RequestInit) => {
    const request = input instanceof Request ? input : new Request(new URL(input, location.href), init);
    const { pathname, search } = new URL(request.url);
    asked.push(pathname + search);
    return answer(request);
  });
  await renderPage(<LogsPage />, new QueryClient({ defaultOptions: { queries: { retry: false } } }));
}

const text = () => screen.getByLabelText('Lines').textContent;

beforeEach(() => {
  asked = [];
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test('the newest lines are shown as text, and those that come are added', async () => {
  await show(found(['one', '<b>two</b>']));
  await waitFor(() => expect(asked).toContain('/api/v1/host/logs/follow?log=system&lines=1000&contains='));
  await waitFor(() => expect(text()).toBe('one\n<b>two</b>'));
  await act(async () => say(['three']));
  await waitFor(() => expect(text()).toBe('one\n<b>two</b>\nthree'));
});

test('who stops following keeps what is shown, and reads again when they want', async () => {
  await show(found(['one']));
  await waitFor(() => expect(text()).toBe('one'));
  await waitFor(() => expect(asked.some((path) => path.includes('follow'))).toBe(true));
  await act(async () => say(['two']));
  await waitFor(() => expect(text()).toBe('one\ntwo'));
  expect(screen.queryByRole('button', { name: 'Read again' })).toBeNull();
  fireEvent.click(screen.getByLabelText('Follow'));
  expect(text()).toBe('one\ntwo');
  fireEvent.click(screen.getByRole('button', { name: 'Read again' }));
  await waitFor(() => expect(text()).toBe('one'));
});

test('another log and a word ask anew', async () => {
  await show(found(['one']));
  await screen.findByLabelText('Lines');
  fireEvent.change(screen.getByLabelText('Log'), { target: { value: 'kernel' } });
  fireEvent.change(screen.getByLabelText('Only lines with'), { target: { value: 'a&b' } });
  fireEvent.submit(screen.getByRole('search'));
  await waitFor(() => expect(asked).toContain('/api/v1/host/logs/follow?log=kernel&lines=1000&contains=a%26b'));
});

test('a log without lines says so, and a word that is in none', async () => {
  await show(found([]));
  await screen.findByText('Nothing was logged here');
  expect(screen.getByRole('button', { name: 'Save as a file' }).getAttribute('aria-disabled')).toBe('true');
  fireEvent.change(screen.getByLabelText('Only lines with'), { target: { value: 'x' } });
  fireEvent.submit(screen.getByRole('search'));
  await screen.findByText('No line has this in it');
});

test('who may not read it is told why', async () => {
  const problem = { status: 403, title: 'Forbidden', detail: 'this needs the role admin', request_id: 'r' };
  await show(() => Response.json(problem, { status: 403 }));
  await screen.findByText(/needs the role admin/);
  expect(asked.some((path) => path.includes('follow'))).toBe(false);
});

test('who may not have a support bundle is told why', async () => {
  sessionStore.set({ kind: 'in', session: { username: 'v', role: 'viewer', csrf_token: null, expires_at: null } });
  await renderPage(<SupportBundle />);
  const button = screen.getByRole('button', { name: 'Support bundle …' });
  expect(button.getAttribute('aria-disabled')).toBe('true');
  expect(document.getElementById(button.getAttribute('aria-describedby') ?? '')?.textContent).toBe('Only an administrator may do this.');
});
