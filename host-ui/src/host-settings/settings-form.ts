// The form of the host's settings: what is typed, what it says of them, what it asks the daemon to change. Pure.
import type { FieldProblem } from '@/api/problem';
import type { HostConfig, HostConfigPatch } from '@/api/types';

export type SettingsForm = {
  hostname: string;
  timezone: string;
  /** Separated by commas or spaces. */
  ntp: string;
  sshEnabled: boolean;
  /** One a line. */
  keys: string;
  proxy: string;
  /** Certificates in PEM, one after the other. */
  authorities: string;
};

export type SettingsField = Exclude<keyof SettingsForm, 'sshEnabled'>;

export const settingsFields: readonly [RegExp, SettingsField][] = [
  [/^hostname$/, 'hostname'],
  [/^timezone$/, 'timezone'],
  [/^ntp/, 'ntp'],
  [/^ssh\.authorized_keys/, 'keys'],
  [/^proxy\.https$/, 'proxy'],
  [/^proxy\.ca_certificates/, 'authorities'],
];

/** As the daemon has them. */
const [mostServers, mostMinutes] = [16, 24 * 60];

export function formOf(config: HostConfig): SettingsForm {
  return {
    hostname: config.hostname,
    timezone: config.timezone,
    ntp: config.ntp.join(' '),
    sshEnabled: config.ssh.enabled,
    keys: config.ssh.authorized_keys.join('\n'),
    proxy: config.proxy.https ?? '',
    authorities: config.proxy.ca_certificates.map((pem) => pem.trim()).join('\n'),
  };
}

const wordsOf = (text: string) => text.split(/[\s,]+/).filter((word) => word !== '');
const linesOf = (text: string) => text.split('\n').map((line) => line.trim()).filter((line) => line !== '');

/** What differs from the settings that the person saw. */
export function toPatch(form: SettingsForm, config: HostConfig): HostConfigPatch {
  const old = formOf(config);
  const changed = (name: keyof SettingsForm) => form[name] !== old[name];
  const ssh = {
    ...(changed('sshEnabled') && { enabled: form.sshEnabled }),
    ...(changed('keys') && { authorized_keys: linesOf(form.keys) }),
  };
  const proxy = {
    ...(changed('proxy') && { https: form.proxy.trim() }),
    ...(changed('authorities') && { ca_certificates: certificatesOf(form.authorities) }),
  };
  return {
    ...(changed('hostname') && { hostname: form.hostname.trim() }),
    ...(changed('timezone') && { timezone: form.timezone.trim() }),
    ...(changed('ntp') && { ntp: wordsOf(form.ntp) }),
    ...(Object.keys(ssh).length > 0 && { ssh }),
    ...(Object.keys(proxy).length > 0 && { proxy }),
  };
}

/** What is between the certificates, or cut off, is a part of its own, for the daemon to refuse. */
function certificatesOf(text: string): string[] {
  const parts = text.split(/(?<=-----END CERTIFICATE-----)/);
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/** What the daemon would refuse without looking at the host, in its words. */
export function faultsOf(form: SettingsForm): FieldProblem[] {
  const faults: FieldProblem[] = [];
  const add = (field: string, reason: string) => faults.push({ field, reason });
  const servers = wordsOf(form.ntp);
  if (!isHostName(form.hostname.trim(), 64))
    add('hostname', "must be labels of 1 to 63 letters, digits or '-' joined by '.', at most 64 characters in all");
  if (!/^[\w+-]+(\/[\w+-]+)*$/.test(form.timezone.trim()))
    add('timezone', 'must be a time zone\'s name, for instance "UTC" or "Europe/Berlin"');
  if (servers.length > mostServers) add('ntp', `must be at most ${mostServers}`);
  if (servers.some((server) => !server.includes(':') && !isHostName(server, 253))) add('ntp', 'must be a host name or an IP address');
  return faults;
}

function isHostName(text: string, most: number): boolean {
  const label = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i;
  return text.length <= most && text.split('.').every((part) => label.test(part));
}

/** Minutes that SSH may be on for a while; `null` for what can't be. */
export function minutesOf(text: string): number | null {
  const minutes = /^\d{1,4}$/.test(text.trim()) ? Number(text) : 0;
  return minutes >= 1 && minutes <= mostMinutes ? minutes : null;
}

/** Whole seconds that are left of `leftS` that were read at `readAt` (epoch milliseconds); never below 0. */
export function stillFor(leftS: number, readAt: number, now: number): number {
  return Math.max(0, Math.ceil(leftS - (now - readAt) / 1000));
}
