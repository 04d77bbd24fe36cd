// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { cleanup, fireEvent, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hostConfigQuery } from '@/api/queries';
import type { HostConfig, Role } from '@/api/types';
import { renderPage } from '@/testing/render';
import { aHost, aHostConfig } from '@/testing/samples';
import { HostSettingsContent } from './host-settings-page';

/** What was asked of the daemon apart from reading: If-Match and body. */
let asked: [ifMatch: string | null, body: unknown][];

const boot = { mode: 'live', slot: null } as unknown as ReturnType<typeof aHost>['boot'];

beforeEach(() => {
  asked = [];
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function show(config: HostConfig, { role = 'admin' as Role, answer = () => Response.json(config) } = {}) {
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  let now = config;
  vi.stubGlobal('fetch', async (request: Request) => {
    if (request.method === 'GET') return Response.json(request.url.endsWith('/config') ? now : aHost({ boot }));
    asked.push([request.headers.get('if-match'), await request.json()]);
    return answer();
  });
  await renderPage(<HostSettingsContent role={role} />, cache);
  await screen.findByLabelText('Host name');
  return (changed: HostConfig) => {
    now = changed;
    return cache.invalidateQueries({ queryKey: hostConfigQuery.queryKey });
  };
}

const reasonOf = (button: HTMLElement) => document.getElementById(button.getAttribute('aria-describedby') ?? '')?.textContent ?? null;
const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });
const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }));
const valueOf = (label: string) => (screen.getByLabelText(label) as HTMLInputElement).value;

test('what was changed is saved, and nothing else', async () => {
  await show(aHostConfig({ revision: '4' }), { answer: () => Response.json(aHostConfig({ revision: '5', hostname: 'qx2' })) });
  expect(reasonOf(screen.getByRole('button', { name: 'Save' }))).toBe('Nothing is changed.');
  type('Host name', 'qx2');
  press('Save');
  await waitFor(() => expect(reasonOf(screen.getByRole('button', { name: 'Save' }))).toBe('Nothing is changed.'));
  expect(asked).toEqual([['"4"', { hostname: 'qx2' }]]);
  expect(valueOf('Host name')).toBe('qx2');
});

test('a refusal stands at its field, and everything that was typed stays', async () => {
  const errors = [{ field: 'ssh.authorized_keys[0]', reason: 'must be one public key' }];
  const refusal = () => Response.json({ status: 422, title: 'No', detail: 'no', errors }, { status: 422 });
  await show(aHostConfig(), { answer: refusal });
  type('Host name', 'a b');
  type('Keys that may log in as root', 'nonsense');
  press('Save');
  await screen.findByText(/^Must be labels/);
  expect(asked).toEqual([]);
  type('Host name', 'qx2');
  press('Save');
  await screen.findByText('Must be one public key');
  expect([valueOf('Host name'), valueOf('Keys that may log in as root')]).toEqual(['qx2', 'nonsense']);
});

test('a change by somebody else moves what nobody typed over, and is told to who did', async () => {
  const change = await show(aHostConfig());
  await change(aHostConfig({ revision: '2', hostname: 'other' }));
  await waitFor(() => expect(valueOf('Host name')).toBe('other'));
  type('Time zone', 'Europe/Berlin');
  await change(aHostConfig({ revision: '3', hostname: 'third' }));
  await screen.findByText('Somebody else changed this meanwhile');
  expect([valueOf('Host name'), valueOf('Time zone')]).toEqual(['other', 'Europe/Berlin']);
});

test('SSH is on for a while, says how long, and is ended', async () => {
  const config = aHostConfig({ ssh: { enabled: false, authorized_keys: [], on_for_s: 1800 } });
  await show(aHostConfig(), { answer: () => Response.json(config) });
  screen.getByText('SSH is off');
  type('Minutes', '0');
  press('Turn on for so long');
  await screen.findByText('Must be 1 to 1440.');
  type('Minutes', '30');
  press('Turn on for so long');
  await screen.findByText('on for 30 min more');
  press('End it now');
  await waitFor(() => expect(asked.map(([, body]) => body)).toEqual([{ ssh: { on_for_minutes: 30 } }, { ssh: { on_for_minutes: 0 } }]));
});

test('a viewer sees the settings and may change none', async () => {
  await show(aHostConfig(), { role: 'viewer' });
  for (const name of ['Save', 'Turn on for so long'])
    expect(reasonOf(screen.getByRole('button', { name }))).toMatch(/Only an administrator/);
});
