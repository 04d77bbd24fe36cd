// What about the host needs a person's eye. Pure: host in, list of warnings out, worst first.
import type { Host } from '@/api/types';
import type { MessageKey, Values } from '@/i18n/translate';

export type HostWarning = {
  id: string;
  tone: 'info' | 'warn' | 'danger';
  title: MessageKey;
  values?: Values;
  /** What it means and what to do. */
  text?: MessageKey;
  /** Sentences from the host itself, shown as they are. */
  details: readonly string[];
  /** The page that has more of it. */
  link?: 'updates';
};

const fullAtFreePercent = 5;

export function hostWarnings(host: Host): HostWarning[] {
  return [...configWarnings(host), ...bootWarnings(host), ...storageWarnings(host), ...hypervisorWarnings(host)];
}

function configWarnings({ config }: Host): HostWarning[] {
  if (config === null || config.problems.length === 0) return [];
  const details = config.problems;
  if (config.source === 'generation') {
    const values = { generation: String(config.generation ?? '?') };
    return [{ id: 'config', tone: 'danger', title: 'host.config.generation', values, details }];
  }
  const title = config.source === 'defaults' ? 'host.config.defaults' : 'host.config.problems';
  return [{ id: 'config', tone: config.source === 'defaults' ? 'danger' : 'warn', title, details }];
}

function bootWarnings({ boot }: Host): HostWarning[] {
  if (boot === null || boot.warnings.length === 0) return [];
  return [{ id: 'boot', tone: 'warn', title: 'host.boot.warnings', details: boot.warnings }];
}

function storageWarnings({ data }: Host): HostWarning[] {
  const found: HostWarning[] = [];
  if (data.total_bytes > 0 && data.free_bytes * 100 < data.total_bytes * fullAtFreePercent) {
    found.push({ id: 'full', tone: 'danger', title: 'host.data.full', text: 'host.data.full.text', details: [] });
  }
  if (data.kind === 'ram') found.push({ id: 'ram', tone: 'warn', title: 'host.data.ram', text: 'host.data.ram.text', details: [] });
  return found;
}

function hypervisorWarnings({ hypervisor }: Host): HostWarning[] {
  const details = hypervisor.note === null ? [] : [hypervisor.note];
  if (hypervisor.accelerator === null) return [{ id: 'silent', tone: 'danger', title: 'host.hypervisor.silent', details }];
  if (hypervisor.accelerator === 'tcg') return [{ id: 'tcg', tone: 'warn', title: 'host.tcg', text: 'host.tcg.text', details }];
  if (hypervisor.accelerator === 'test') return [{ id: 'test', tone: 'info', title: 'host.test', text: 'host.test.text', details: [] }];
  return details.length === 0 ? [] : [{ id: 'hypervisor', tone: 'info', title: 'host.hypervisor.note', details }];
}
