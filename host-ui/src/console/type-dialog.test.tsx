// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { letDialogsOpen } from '@/testing/dialogs';
import { renderPage } from '@/testing/render';
import { TypeDialog } from './type-dialog';
import type { Stroke } from './typing';

let typed: string[];
let closed: boolean;

beforeEach(() => {
  typed = [];
  closed = false;
  localStorage.clear();
  letDialogsOpen();
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const show = () =>
  renderPage(
    <TypeDialog
      screen={{
        type: async (strokes: readonly Stroke[], progress: (count: number) => void) => {
          typed.push(...strokes.map((stroke) => stroke.code));
          progress(strokes.length);
          return strokes.length;
        },
        cancel: () => undefined,
      }}
      onClose={() => (closed = true)}
    />,
  );

const write = (text: string) => fireEvent.change(screen.getByLabelText('Text'), { target: { value: text } });
const submit = () => fireEvent.click(screen.getByRole('button', { name: 'Type' }));

test('text is typed on the layout that was chosen, which is remembered', async () => {
  await show();
  write('z@');
  fireEvent.change(screen.getByLabelText('Keyboard layout of the guest'), { target: { value: 'de' } });
  submit();
  await waitFor(() => expect(closed).toBe(true));
  expect(typed).toEqual(['KeyY', 'KeyQ']);
  expect(localStorage.getItem('qx-console-layout')).toBe('de');
});

test('what no key makes is named, and nothing is typed', async () => {
  await show();
  write('a→b');
  expect(screen.getByText('No key of this layout makes: →')).toBeTruthy();
  submit();
  expect(typed).toEqual([]);
  expect(closed).toBe(false);
});
