// The host at a glance: what it is, how it came up, what it has left, and what needs a person's eye.
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { hostQuery, updatesQuery } from '@/api/queries';
import type { Host } from '@/api/types';
import { formatBytes, formatFingerprint, formatTime, upSince } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { cx } from '@/ui/cx';
import { LoadError, Loading, Message } from '@/ui/message';
import { Meter } from '@/ui/meter';
import { updateWarnings } from '@/updates/notices';
import { type HostWarning, hostWarnings } from './health';
import { GoingDown, PowerMenu } from './power-menu';

export function HostCard() {
  const { t } = useI18n();
  const host = useQuery(hostQuery);
  if (host.isSuccess) return <HostDetails host={host.data} readAt={host.dataUpdatedAt} />;
  return (
    <section className="card" aria-label={t('host.what')}>
      {host.isPending && <Loading label={t('host.loading')} />}
      {host.isError && <LoadError error={host.error} what={t('host.what')} retry={() => void host.refetch()} />}
    </section>
  );
}

function HostDetails({ host, readAt }: { host: Host; readAt: number }) {
  const { t, language } = useI18n();
  return (
    <>
      <GoingDown />
      <HostWarnings host={host} />
      <section className="card p-4 sm:p-5" aria-labelledby="host-heading">
        <div className="flex items-start gap-3">
          <div className="flex min-w-0 grow flex-wrap items-baseline gap-x-3">
            <h1 id="host-heading" className="text-xl font-semibold [overflow-wrap:anywhere]">
              {host.hostname}
            </h1>
            <p className="text-sm text-muted">
              {t('host.version', { product: host.product, version: host.version })}
              {' · '}
              {t('host.upSince', { time: formatTime(upSince(host.uptime_s, readAt), language) })}
            </p>
          </div>
          <PowerMenu host={host} />
        </div>
        <Capacity host={host} />
        <dl className="mt-5 grid grid-cols-2 gap-x-6 gap-y-3 text-sm lg:grid-cols-3">
          <Fact span="two" label={t('host.cpu')} value={host.cpu.model} note={<CpuTopology cpu={host.cpu} />} />
          <BootFacts host={host} />
          <HypervisorFact hypervisor={host.hypervisor} />
          <AddressFact addresses={host.addresses} />
          <Fact label={t('host.ssh')} value={t(host.ssh_enabled ? 'host.ssh.on' : 'host.ssh.off')} />
          <Fact
            span="line"
            label={t('host.certificate')}
            value={<span className="font-mono text-xs break-all">{formatFingerprint(host.certificate_sha256)}</span>}
          />
        </dl>
      </section>
    </>
  );
}

function HostWarnings({ host }: { host: Host }) {
  const { t } = useI18n();
  // What can't be read is no news here: the page of updates says so.
  const updates = useQuery(updatesQuery).data;
  const warnings = [...(updates === undefined ? [] : updateWarnings(updates)), ...hostWarnings(host)];
  if (warnings.length === 0) return null;
  return (
    <section aria-label={t('host.attention')} className="grid gap-2 lg:grid-cols-2 lg:[&>:last-child:nth-child(odd)]:col-span-2">
      {warnings.map((warning) => (
        <HostWarningBox key={warning.id} warning={warning} />
      ))}
    </section>
  );
}

function HostWarningBox({ warning }: { warning: HostWarning }) {
  const { t } = useI18n();
  return (
    <Message tone={warning.tone} title={t(warning.title, warning.values)}>
      {warning.text !== undefined && <p>{t(warning.text)}</p>}
      {warning.details.length > 0 && (
        <ul className={warning.details.length > 1 ? 'list-disc pl-4' : undefined}>
          {warning.details.map((detail) => (
            <li key={detail}>{detail}</li>
          ))}
        </ul>
      )}
      {warning.link === 'updates' && <Link to="/updates" className="font-medium text-current underline">{t('host.update.link')}</Link>}
    </Message>
  );
}

function Capacity({ host }: { host: Host }) {
  const { t, language } = useI18n();
  const size = (bytes: number) => formatBytes(bytes, language);
  const { memory, data } = host;
  const place = t(data.kind === 'ram' ? 'host.data.inRam' : 'host.data.onDisk');
  return (
    <div className="mt-4 grid gap-4 sm:grid-cols-2">
      <Meter
        label={t('host.memory')}
        used={memory.total_bytes - memory.available_bytes}
        total={memory.total_bytes}
        text={t('host.free', { free: size(memory.available_bytes), total: size(memory.total_bytes) })}
      />
      <Meter
        label={t('host.data', { place })}
        used={data.total_bytes - data.free_bytes}
        total={data.total_bytes}
        text={t('host.free', { free: size(data.free_bytes), total: size(data.total_bytes) })}
      />
    </div>
  );
}

type FactProps = { label: string; value: ReactNode; note?: ReactNode; span?: 'one' | 'two' | 'line' };

const spans = { one: '', two: 'col-span-2 sm:col-span-1', line: 'col-span-full' };

/** One figure; `two` takes the whole line of a narrow screen, `line` of every screen. */
function Fact({ label, value, note, span = 'one' }: FactProps) {
  return (
    <div className={cx('min-w-0', spans[span])}>
      <dt className="text-xs text-muted">{label}</dt>
      <dd className="[overflow-wrap:anywhere]">
        {value}
        {note !== undefined && <div className="text-xs text-muted">{note}</div>}
      </dd>
    </div>
  );
}

function CpuTopology({ cpu }: { cpu: Host['cpu'] }) {
  const { t } = useI18n();
  const parts = [
    t('host.cpu.sockets', { count: cpu.sockets }),
    t('host.cpu.cores', { count: cpu.cores }),
    t('host.cpu.threads', { count: cpu.threads }),
  ];
  return parts.join(' · ');
}

function BootFacts({ host: { boot, build_id: build } }: { host: Host }) {
  const { t } = useI18n();
  if (boot === null) return <Fact label={t('host.boot')} value={t('host.boot.none')} />;
  const mode = boot.mode === 'live' ? t('host.boot.live') : t('host.boot.slot', { slot: boot.slot ?? '?' });
  const source = boot.source === '' ? undefined : t('host.boot.source', { source: boot.source });
  return (
    <>
      <Fact label={t('host.boot')} value={mode} note={source} />
      <Fact
        label={t('host.build')}
        value={<span className="font-mono text-xs">{build ?? boot.build_id}</span>}
        note={t('host.build.version', { version: boot.version })}
      />
    </>
  );
}

function HypervisorFact({ hypervisor }: { hypervisor: Host['hypervisor'] }) {
  const { t } = useI18n();
  const names = { kvm: 'accelerator.kvm.long', tcg: 'accelerator.tcg.long', test: 'accelerator.test.long' } as const;
  if (hypervisor.accelerator === null) return <Fact span="two" label={t('host.hypervisor')} value={t('host.hypervisor.unknown')} />;
  const qemu = hypervisor.qemu_version === null ? [] : [`QEMU ${hypervisor.qemu_version}`];
  const versions = [...qemu, `libvirt ${hypervisor.libvirt_version}`].join(' · ');
  return <Fact span="two" label={t('host.hypervisor')} value={t(names[hypervisor.accelerator])} note={versions} />;
}

function AddressFact({ addresses }: { addresses: Host['addresses'] }) {
  const { t } = useI18n();
  const origins = { dhcp: 'host.address.dhcp', static: 'host.address.static', auto: 'host.address.auto' } as const;
  const list = (
    <ul>
      {addresses.map((entry) => (
        <li key={`${entry.interface} ${entry.address}`}>
          <span className="font-mono text-xs">{entry.address}</span>{' '}
          <span className="text-xs text-muted">
            {entry.interface} · {t(origins[entry.origin])}
          </span>
        </li>
      ))}
    </ul>
  );
  return <Fact span="two" label={t('host.addresses')} value={addresses.length === 0 ? t('host.addresses.none') : list} />;
}
