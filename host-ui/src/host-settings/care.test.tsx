// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { cleanup, fireEvent, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { letDialogsOpen } from '@/testing/dialogs';
import { renderPage } from '@/testing/render';
import { CertificateCard } from './certificate-card';
import { ServicesCard } from './services-card';

/** What was asked of the daemon apart from reading: path and body. */
let asked: [path: string, body: unknown][];

const certificate = (part = {}) => ({
  sha256: 'ab'.repeat(32),
  subject: 'CN=qx1',
  issuer: 'CN=Company CA',
  names: ['qx1', '192.0.2.7'],
  not_before: '2020-01-01T00:00:00Z',
  not_after: '2049-01-01T00:00:00Z',
  key: 'ECDSA P-256',
  self_signed: false,
  chain: 2,
  ...part,
});

beforeEach(() => {
  letDialogsOpen();
  asked = [];
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function show(element: React.ReactElement, read: object, answer: () => Response) {
  vi.stubGlobal('fetch', async (request: Request) => {
    if (request.method === 'GET') return Response.json(read);
    const text = await request.text();
    asked.push([new URL(request.url).pathname, text === '' ? null : JSON.parse(text)]);
    return answer();
  });
  await renderPage(element, new QueryClient({ defaultOptions: { queries: { retry: false } } }));
}

const press = async (name: string) => fireEvent.click(await screen.findByRole('button', { name }));
const reasonOf = (button: HTMLElement) => document.getElementById(button.getAttribute('aria-describedby') ?? '')?.textContent ?? null;

const services = {
  items: [
    { name: 'qx-node', state: 'running' },
    { name: 'libvirtd', state: 'failed' },
    { name: 'sshd', state: 'stopped' },
    { name: 'newer', state: 'running' },
  ],
};

test('a service is restarted after a question, and SSH only where it is on', async () => {
  await show(<ServicesCard disabledReason={null} />, services, () => Response.json({ name: 'libvirtd', state: 'running' }));
  await screen.findByText('Failed');
  expect(reasonOf(screen.getByRole('button', { name: 'Restart … sshd' }))).toBe('SSH is off. Turn it on above.');
  await press('Restart … libvirtd');
  await screen.findByText('VMs run on, but can’t be managed for some seconds.');
  expect(asked).toEqual([]);
  await press('Restart');
  await waitFor(() => expect(asked).toEqual([['/api/v1/host/services/libvirtd/restart', null]]));
  await waitFor(() => expect(screen.queryByText('Restart libvirtd?')).toBeNull());
});

test('who may not restart services is told why', async () => {
  await show(<ServicesCard disabledReason="Only an administrator may do this." />, services, () => Response.error());
  const button = await screen.findByRole('button', { name: 'Restart … newer' });
  expect(reasonOf(button)).toBe('Only an administrator may do this.');
});

test('a certificate is described, and another one told at its fields what is wrong', async () => {
  const errors = [{ field: 'key', reason: 'is not the key of the certificate' }];
  const refusal = () => Response.json({ status: 422, title: 'No', detail: 'no', errors }, { status: 422 });
  await show(<CertificateCard disabledReason={null} />, certificate(), refusal);
  await screen.findByText('CN=Company CA');
  await screen.findByText('qx1, 192.0.2.7');
  await press('Use another …');
  fireEvent.change(screen.getByLabelText('Certificate (PEM)'), { target: { value: 'one' } });
  // jsdom's files can't be read so.
  const file = Object.assign(new File([], 'key.pem'), { text: async () => 'from a file' });
  fireEvent.change(screen.getByLabelText('Key from a file …'), { target: { files: [file] } });
  await waitFor(() => expect((screen.getByLabelText('Private key (PEM)') as HTMLTextAreaElement).value).toBe('from a file'));
  await press('Use it');
  await screen.findByText('Is not the key of the certificate.');
  expect(asked).toEqual([['/api/v1/host/certificate', { certificate: 'one', key: 'from a file' }]]);
  expect((screen.getByLabelText('Certificate (PEM)') as HTMLTextAreaElement).value).toBe('one');
});

test('one that the host makes is told of, with what the browser will ask', async () => {
  const made = certificate({ self_signed: true, subject: 'CN=qx2' });
  await show(<CertificateCard disabledReason={null} />, certificate({ not_after: '2020-02-01T00:00:00Z' }), () => Response.json(made));
  await screen.findByText('has expired');
  await press('Make a new one …');
  await press('Make it');
  await screen.findByText('The host has a new certificate');
  expect(asked).toEqual([['/api/v1/host/certificate/regenerate', null]]);
});
