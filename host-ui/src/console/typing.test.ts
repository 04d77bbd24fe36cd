import { expect, test } from 'vitest';
import { keysymOf, strokes } from './typing';

const keys = (text: string, layout: 'us' | 'de') =>
  strokes(text, layout).strokes.map(({ code, shift, altGr }) => `${shift ? 'S-' : ''}${altGr ? 'G-' : ''}${code}`);

test('characters are keys of the layout that the guest has', () => {
  expect(keys('aZ@\n', 'us')).toEqual(['KeyA', 'S-KeyZ', 'S-Digit2', 'Enter']);
  expect(keys('aZ@\r\n', 'de')).toEqual(['KeyA', 'S-KeyY', 'G-KeyQ', 'Enter']);
  expect(keys('{[]}\\~|€', 'de')).toEqual([
    'G-Digit7', 'G-Digit8', 'G-Digit9', 'G-Digit0', 'G-Minus', 'G-BracketRight', 'G-IntlBackslash', 'G-KeyE',
  ]);
});

test('every printable ASCII character but dead keys has a key', () => {
  const ascii = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).join('');
  expect(strokes(ascii, 'us').missing).toEqual([]);
  expect(strokes(ascii, 'de').missing).toEqual(['^', '`']);
});

test('what no key makes is told once, and the rest is typed', () => {
  const typed = strokes('aä中中b', 'us');
  expect(typed.missing).toEqual(['ä', '中']);
  expect(typed.strokes).toHaveLength(2);
});

test('keysyms are those of X11', () => {
  expect([keysymOf('a'), keysymOf('ä'), keysymOf('€')]).toEqual([0x61, 0xe4, 0x010020ac]);
});
