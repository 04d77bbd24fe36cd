// The page of a VM's serial console. It may be opened before the VM is started: it connects by itself.
import { useParams } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import type { Role, Vm } from '@/api/types';
import { Store, useStore } from '@/app/store';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Spinner, TerminalIcon } from '@/ui/icons';
import { Placeholder, useErrorText } from '@/ui/message';
import { whyNot } from '@/vms/rules';
import { VmFrame } from '@/vms/vm-frame';
import { type ConsoleState, SerialConnection } from './connection';
import { openScreen } from './terminal';

export function ConsolePage() {
  const { vmId } = useParams({ from: '/shell/vms/$vmId/console' });
  return <VmFrame id={vmId}>{(vm, role) => <SerialConsole key={vm.id} vm={vm} role={role} />}</VmFrame>;
}

function SerialConsole({ vm, role }: { vm: Vm; role: Role }) {
  const { t } = useI18n();
  const denied = whyNot('console', vm.state, role);
  if (denied !== null) {
    return (
      <section className="card">
        <Placeholder icon={<TerminalIcon />} title={t('console.forbidden')}>
          {t(denied)}
        </Placeholder>
      </section>
    );
  }
  return <SerialScreen vm={vm} />;
}

const idle = new Store<ConsoleState>({ kind: 'idle' });

function SerialScreen({ vm }: { vm: Vm }) {
  const { t } = useI18n();
  const element = useRef<HTMLDivElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const [connection, setConnection] = useState<SerialConnection | null>(null);
  const state = useStore(connection?.state ?? idle);
  const powered = vm.state !== 'off' && vm.state !== 'crashed';
  const label = t('console.screen', { name: vm.name });

  // The terminal and the line live as long as the page: both are outside React.
  useEffect(() => {
    if (element.current === null) return;
    const line = new SerialConnection(vm.id, (bytes) => screen.write(bytes));
    const screen = openScreen(element.current, {
      label,
      onInput: (text) => line.send(text),
      onLeave: () => heading.current?.focus(),
    });
    screen.focus();
    setConnection(line);
    return () => {
      line.close();
      screen.dispose();
    };
  }, [vm.id, label]);

  useEffect(() => {
    if (powered) connection?.open();
    else connection?.close();
  }, [connection, powered]);

  return (
    <section aria-label={label} className="card flex min-h-80 flex-1 flex-col overflow-hidden">
      <div className="flex min-h-12 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1.5 text-sm">
        <h2 ref={heading} tabIndex={-1} className="font-semibold">{t('console.title')}</h2>
        <ConsoleStatus powered={powered} state={state} retry={() => connection?.retry()} />
        <p className="ml-auto hidden text-xs text-muted md:block">{t('console.leave')}</p>
      </div>
      <div className="h-[max(20rem,calc(100dvh-22rem))] sm:h-[max(20rem,calc(100dvh-16rem))] bg-[#0b0f13] p-2">
        <div ref={element} className="h-full" />
      </div>
    </section>
  );
}

type StatusProps = { powered: boolean; state: ConsoleState; retry: () => void };

function ConsoleStatus({ powered, state, retry }: StatusProps) {
  const { t } = useI18n();
  const errorText = useErrorText();
  if (!powered) return <p role="status" className="text-muted">{t('console.off')}</p>;
  if (state.kind === 'open') return <p role="status" className="text-good">{t('console.open')}</p>;
  if (state.kind !== 'waiting') {
    return (
      <p role="status" className="flex items-center gap-2 text-muted">
        <Spinner />
        {t('console.connecting')}
      </p>
    );
  }
  const { reason } = state;
  const known = reason === 'closed' ? t('console.closed') : t('console.refused');
  return (
    <>
      <p role="status" className="text-warn">
        {reason instanceof Error ? t('console.failed', { detail: errorText(reason) }) : known}
      </p>
      <Button className="min-h-8" onClick={retry}>
        {t('console.retry')}
      </Button>
    </>
  );
}
