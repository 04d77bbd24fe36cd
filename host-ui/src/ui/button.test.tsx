// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { renderPage } from '@/testing/render';
import { Button } from './button';

afterEach(cleanup);

test('a button that is off can be focused, does nothing, and says why', async () => {
  const press = vi.fn();
  await renderPage(<Button disabledReason="The VM is off." onClick={press}>Shut down</Button>);
  const button = screen.getByRole('button', { name: 'Shut down' });
  fireEvent.click(button);
  expect(press).not.toHaveBeenCalled();
  expect(button.getAttribute('aria-disabled')).toBe('true');
  const reason = document.getElementById(button.getAttribute('aria-describedby') ?? '');
  expect(reason?.textContent).toBe('The VM is off.');
  fireEvent.focus(button);
  expect(reason?.hidden).toBe(false);
  fireEvent.keyDown(button, { key: 'Escape' });
  expect(reason?.hidden).toBe(true);
});

test('a busy submit button does not submit twice', async () => {
  const submit = vi.fn((event: { preventDefault: () => void }) => event.preventDefault());
  await renderPage(<form onSubmit={submit}><Button type="submit" busy>Create</Button></form>);
  fireEvent.click(screen.getByRole('button', { name: 'Create' }));
  expect(submit).not.toHaveBeenCalled();
});
