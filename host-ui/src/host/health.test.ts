import { expect, test } from 'vitest';
import type { Host } from '@/api/types';
import { aHost } from '@/testing/samples';
import { hostWarnings } from './health';

const ids = (part: Partial<Host>) => hostWarnings(aHost(part)).map((warning) => warning.id);

test('a healthy host has nothing to say', () => {
  expect(ids({})).toEqual([]);
});

test('storage in RAM is said to be lost at reboot', () => {
  expect(ids({ data: { path: '/data', total_bytes: 10, free_bytes: 5, kind: 'ram' } })).toEqual(['ram']);
});

test('almost full storage is said, an absent one is not full', () => {
  expect(ids({ data: { path: '/data', total_bytes: 100, free_bytes: 4, kind: 'disk' } })).toEqual(['full']);
  expect(ids({ data: { path: '/data', total_bytes: 0, free_bytes: 0, kind: 'disk' } })).toEqual([]);
});

test('emulation is a warning with the reason the host found', () => {
  const hypervisor = { accelerator: 'tcg' as const, libvirt_version: '11', qemu_version: '10', note: 'no /dev/kvm' };
  expect(hostWarnings(aHost({ hypervisor }))).toMatchObject([{ id: 'tcg', tone: 'warn', details: ['no /dev/kvm'] }]);
});

test('a hypervisor that does not answer is the worst, with the reason', () => {
  const hypervisor = { accelerator: null, libvirt_version: null, qemu_version: null, note: 'connection refused' };
  expect(hostWarnings(aHost({ hypervisor }))).toMatchObject([{ id: 'silent', tone: 'danger', details: ['connection refused'] }]);
});

test.each([
  ['current', 'host.config.problems', 'warn'],
  ['generation', 'host.config.generation', 'danger'],
  ['defaults', 'host.config.defaults', 'danger'],
] as const)('problems in a %s configuration are shown as the host words them', (source, title, tone) => {
  const config = { source, generation: 4, problems: ['config.toml line 3: unknown key'] };
  expect(hostWarnings(aHost({ config }))).toMatchObject([{ title, tone, details: config.problems }]);
});

test('defaults without a problem are a fresh host, not a warning', () => {
  expect(ids({ config: { source: 'defaults', generation: null, problems: [] } })).toEqual([]);
});
