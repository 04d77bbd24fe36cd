// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import type { Role, Vm } from '@/api/types';
import { renderPage } from '@/testing/render';
import { aVm } from '@/testing/samples';
import { Consoles, type View } from './console-page';

// The libraries draw on what jsdom has not; Chromium's tests see them.
vi.mock('./screen-console', () => ({ ScreenConsole: () => <p>the screen</p> }));
vi.mock('./serial-console', () => ({ SerialConsole: () => <p>the serial line</p> }));

afterEach(cleanup);

async function show(part: Partial<Vm>, { role = 'operator' as Role, view = undefined as View | undefined } = {}) {
  const asked: View[] = [];
  await renderPage(
    <Consoles vm={aVm({ state: 'running', ...part })} role={role} view={view} onView={(wanted) => asked.push(wanted)} popOut />,
  );
  return asked;
}

test('a VM with a screen shows it, and the serial line on demand', async () => {
  const asked = await show({ vnc: true });
  expect(await screen.findByText('the screen')).toBeTruthy();
  fireEvent.click(screen.getByRole('button', { name: 'Serial console' }));
  expect(asked).toEqual(['serial']);
});

test('a VM without a screen shows the serial line, and says how it gets a screen', async () => {
  await show({ vnc: false });
  expect(await screen.findByText('the serial line')).toBeTruthy();
  cleanup();
  await show({ vnc: false }, { view: 'screen' });
  expect(await screen.findByText('This VM has no screen now')).toBeTruthy();
});

test('a viewer is told why there is no console', async () => {
  await show({}, { role: 'viewer' });
  expect(await screen.findByText('You may not use this console')).toBeTruthy();
  expect(screen.queryByRole('button', { name: 'Screen' })).toBeNull();
});
