// @vitest-environment jsdom
import { beforeEach, expect, test, vi } from 'vitest';
import { ConsoleConnection, type ConsoleState, type Told } from './connection';

const tickets: string[] = [];
vi.mock('@/api/client', () => ({
  api: { POST: (_: string, { body }: { body: { type: string } }) => Promise.resolve(body.type) },
  ask: async (type: Promise<string>) => {
    tickets.push(await type);
    return { ticket: `ticket-${tickets.length}` };
  },
}));

type Attempt = { url: URL; told: Told; hungUp: boolean };

function connection() {
  const attempts: Attempt[] = [];
  const states: ConsoleState['kind'][] = [];
  const made = new ConsoleConnection('id', 'vnc', (url, told) => {
    const attempt = { url, told, hungUp: false };
    attempts.push(attempt);
    return () => void (attempt.hungUp = true);
  });
  made.state.subscribe(() => states.push(made.state.get().kind));
  return { made, attempts, states };
}

beforeEach(() => {
  tickets.length = 0;
  vi.useFakeTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

test('it asks for a ticket of its kind, connects with it, and connects again with another', async () => {
  const { made, attempts } = connection();
  made.open();
  await settle();
  expect(attempts[0]?.url.searchParams.get('ticket')).toBe('ticket-1');
  expect(tickets).toEqual(['vnc']);
  attempts[0]?.told.opened();
  expect(made.state.get()).toEqual({ kind: 'open' });
  attempts[0]?.told.closed();
  expect(made.state.get()).toEqual({ kind: 'waiting', reason: 'closed' });
  await vi.advanceTimersByTimeAsync(500);
  expect(attempts[1]?.url.searchParams.get('ticket')).toBe('ticket-2');
});

test('pauses grow while it is refused, and a press ends one', async () => {
  const { made, attempts } = connection();
  made.open();
  await settle();
  attempts[0]?.told.closed();
  expect(made.state.get()).toEqual({ kind: 'waiting', reason: 'refused' });
  await vi.advanceTimersByTimeAsync(500);
  attempts[1]?.told.closed();
  await vi.advanceTimersByTimeAsync(900);
  expect(attempts).toHaveLength(2);
  made.retry();
  await settle();
  expect(attempts).toHaveLength(3);
});

test('after it was closed nothing of before is heard', async () => {
  const { made, attempts, states } = connection();
  made.open();
  await settle();
  attempts[0]?.told.opened();
  made.close();
  expect(attempts[0]?.hungUp).toBe(true);
  attempts[0]?.told.closed();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(attempts).toHaveLength(1);
  expect(states.at(-1)).toBe('idle');
});
