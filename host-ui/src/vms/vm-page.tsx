// One VM: what it is made of.
import { useParams } from '@tanstack/react-router';
import { type ReactNode, Suspense, useState } from 'react';
import type { Role, Vm } from '@/api/types';
import { EditDialog } from '@/app/on-demand';
import { formatBytes } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import type { MessageKey, Translate } from '@/i18n/translate';
import { Button } from '@/ui/button';
import { cx } from '@/ui/cx';
import { Message } from '@/ui/message';
import { Drives, Nics } from './devices';
import { roleReason } from './rules';
import { AcceleratorText, Tags } from './state';
import { VmFrame } from './vm-frame';

export function VmPage() {
  const { vmId } = useParams({ from: '/shell/vms/$vmId' });
  return <VmFrame id={vmId}>{(vm, role) => <VmDetails vm={vm} role={role} />}</VmFrame>;
}

function VmDetails({ vm, role }: { vm: Vm; role: Role }) {
  const { t, language } = useI18n();
  const firmware = { bios: 'firmware.bios', uefi: 'firmware.uefi', uefi_secure_boot: 'firmware.secure' } as const;
  return (
    <>
      {vm.accelerator === 'tcg' && <Message tone="warn" title={t('vm.tcg')} />}
      {vm.pending_restart.length > 0 && (
        <Message tone="info" title={t('vm.pending')}>
          {t('vm.pending.text', { what: vm.pending_restart.map((field) => pendingName(field, t)).join(', ') })}
        </Message>
      )}
      <section className="card p-4 sm:p-5" aria-labelledby="summary-heading">
        <div className="flex flex-wrap items-center gap-3">
          <h2 id="summary-heading" className="text-base font-semibold">{t('vm.summary')}</h2>
          <Tags tags={vm.tags} />
          <div className="ml-auto"><EditButton vm={vm} role={role} /></div>
        </div>
        {vm.description !== '' && <p className="mt-1 text-sm whitespace-pre-wrap text-muted [overflow-wrap:anywhere]">{vm.description}</p>}
        <dl className="mt-4 grid grid-cols-2 gap-x-6 gap-y-3 text-sm lg:grid-cols-3">
          <Fact label={t('vm.vcpus')}>{vm.vcpus_max > vm.vcpus ? t('vm.vcpus.of', { count: vm.vcpus, max: vm.vcpus_max }) : vm.vcpus}</Fact>
          <Fact label={t('vm.memory')}>{formatBytes(vm.memory_mib * 1024 ** 2, language)}</Fact>
          <Fact label={t('vm.firmware')}>{t(firmware[vm.firmware])}{vm.tpm && ', TPM'}</Fact>
          <Fact label={t('vm.cpuModel')}>{vm.cpu_model}</Fact>
          <Fact label={t('vm.bootOrder')}>{vm.boot_order.length === 0 ? '–' : vm.boot_order.join(', ')}</Fact>
          <Fact label={t('vm.accelerator')}><AcceleratorText accelerator={vm.accelerator} /></Fact>
          <Fact label={t('vm.autostart')}>{autostartText(vm, t)}</Fact>
          <Fact wide label={t('vm.id')}><span className="font-mono text-xs break-all">{vm.id}</span></Fact>
        </dl>
      </section>
      <div className="grid gap-4 lg:grid-cols-2">
        <Drives vm={vm} role={role} />
        <Nics vm={vm} role={role} />
      </div>
    </>
  );
}

function EditButton({ vm, role }: { vm: Vm; role: Role }) {
  const { t } = useI18n();
  const [open, setOpen] = useState(false);
  const denied = roleReason(role);
  return (
    <>
      <Button disabledReason={denied && t(denied)} onClick={() => setOpen(true)} aria-label={t('edit.named', { name: vm.name })}>
        {t('edit.open')}
      </Button>
      <Suspense>{open && <EditDialog vm={vm} onClose={() => setOpen(false)} />}</Suspense>
    </>
  );
}

function autostartText(vm: Vm, t: Translate): string {
  if (!vm.autostart) return t('vm.autostart.no');
  const order = t('vm.autostart.order', { order: vm.autostart_order });
  return vm.autostart_delay_s === 0 ? order : `${order}, ${t('vm.autostart.delay', { seconds: vm.autostart_delay_s })}`;
}

/** A field of the VM as people call it; one that we have no word for by its own name. */
function pendingName(field: string, t: (key: MessageKey) => string): string {
  const names: Record<string, MessageKey> = {
    vcpus: 'vm.vcpus',
    vcpus_max: 'vm.vcpusMax',
    memory_mib: 'vm.memory',
    cpu_model: 'vm.cpuModel',
    boot_order: 'vm.bootOrder',
    tpm: 'vm.tpm',
    disks: 'vm.drives',
    nics: 'vm.nics',
  };
  const key = names[field];
  return key === undefined ? field : t(key);
}

/** One figure; a `wide` one takes the whole line of a narrow screen. */
function Fact({ label, wide = false, children }: { label: string; wide?: boolean; children: ReactNode }) {
  return (
    <div className={cx('min-w-0', wide && 'col-span-2 lg:col-span-1')}>
      <dt className="text-xs text-muted">{label}</dt>
      <dd className="[overflow-wrap:anywhere]">{children}</dd>
    </div>
  );
}
