// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { strokes } from './typing';
import { VncScreen } from './vnc-screen';

const { sent, rfbs } = vi.hoisted(() => ({ sent: [] as string[], rfbs: [] as EventTarget[] }));

vi.mock('@novnc/novnc', () => ({
  default: class extends EventTarget {
    constructor() {
      super();
      rfbs.push(this);
    }
    sendKey(_keysym: number, code: string, down?: boolean) {
      sent.push(down === undefined ? code : `${code}${down ? '↓' : '↑'}`);
    }
    focus() {}
    blur() {}
    disconnect() {}
  },
}));

beforeEach(() => {
  vi.useFakeTimers();
  sent.length = 0;
  rfbs.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
});

function connected(): VncScreen {
  const screen = new VncScreen(document.createElement('div'), { label: 'Screen', onLeave: () => {} });
  screen.attach(new URL('wss://host/'), { opened: () => {}, closed: () => {} });
  rfbs[0]?.dispatchEvent(new Event('connect'));
  return screen;
}

async function typed(screen: VncScreen, text: string): Promise<void> {
  const typing = screen.type(strokes(text, 'us').strokes, () => {});
  await vi.runAllTimersAsync();
  await typing;
}

test('a run of capitals is one press of Shift, which is let go at the end', async () => {
  await typed(connected(), 'aBC d!');
  expect(sent).toEqual(['KeyA', 'ShiftLeft↓', 'KeyB', 'KeyC', 'ShiftLeft↑', 'Space', 'KeyD', 'ShiftLeft↓', 'Digit1', 'ShiftLeft↑']);
});

test('a Shift that a person holds stays held', async () => {
  const screen = connected();
  screen.hold('shift', true);
  await typed(screen, 'Ab');
  expect(sent).toEqual(['ShiftLeft↓', 'KeyA', 'KeyB']);
});

test('typing ends with the connection, and says how far it came', async () => {
  const screen = connected();
  const typing = screen.type(strokes('abcdef', 'us').strokes, (count) => {
    if (count === 3) rfbs[0]?.dispatchEvent(new Event('disconnect'));
  });
  await vi.runAllTimersAsync();
  expect(await typing).toBe(3);
  expect(sent).toEqual(['KeyA', 'KeyB', 'KeyC']);
});
