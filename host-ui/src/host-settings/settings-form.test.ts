import { expect, test } from 'vitest';
import { aHostConfig } from '@/testing/samples';
import { placeProblems } from '@/vms/problems';
import { faultsOf, formOf, minutesOf, settingsFields, stillFor, toPatch } from './settings-form';

const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`;

test('only what was changed is asked for', () => {
  const config = aHostConfig();
  const form = formOf(config);
  expect(toPatch(form, config)).toEqual({});
  expect(toPatch({ ...form, hostname: ' qx2 ' }, config)).toEqual({ hostname: 'qx2' });
  expect(toPatch({ ...form, sshEnabled: true }, config)).toEqual({ ssh: { enabled: true } });
  expect(toPatch({ ...form, keys: ' ssh-ed25519 AAAA me\n\nssh-rsa BBBB ' }, config)).toEqual({
    ssh: { authorized_keys: ['ssh-ed25519 AAAA me', 'ssh-rsa BBBB'] },
  });
  expect(toPatch({ ...form, ntp: '' }, config)).toEqual({ ntp: [] });
});

test('certificates are told apart, and one that is cut off is left to the daemon to refuse', () => {
  const config = aHostConfig({ proxy: { https: 'http://p:1', ca_certificates: [`${pem('AA')}\n`] } });
  const form = formOf(config);
  expect(toPatch(form, config)).toEqual({});
  expect(toPatch({ ...form, proxy: '', authorities: `${form.authorities}\n${pem('BB')}\n-----BEGIN` }, config)).toEqual({
    proxy: { https: '', ca_certificates: [pem('AA'), pem('BB'), '-----BEGIN'] },
  });
});

test('what can’t be is told at its field', () => {
  const form = formOf(aHostConfig());
  expect(faultsOf(form)).toEqual([]);
  expect(faultsOf({ ...form, ntp: '2001:db8::1 192.0.2.1' })).toEqual([]);
  const { fields, rest } = placeProblems(faultsOf({ ...form, hostname: 'a b', timezone: '../etc', ntp: 'x '.repeat(17) }), settingsFields);
  expect(Object.keys(fields)).toEqual(['hostname', 'timezone', 'ntp']);
  expect(rest).toEqual([]);
});

test('SSH is on for a minute to a day, and no longer than is left', () => {
  expect(['', '0', '1441', '1.5', 'x'].map(minutesOf)).toEqual([null, null, null, null, null]);
  expect([minutesOf('1'), minutesOf(' 1440 ')]).toEqual([1, 1440]);
  expect(stillFor(90, 1_000_000, 1_030_000)).toBe(60);
  expect(stillFor(90, 1_000_000, 2_000_000)).toBe(0);
});
