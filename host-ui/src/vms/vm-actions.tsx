// Everything that can be done to one VM: the main button, the console and the menu, with the dialogs that
// they open. The same on the list's rows and on the VM's page.
import { Link } from '@tanstack/react-router';
import { type ReactNode, Suspense, useState } from 'react';
import { CloneDialog, DeleteDialog, StopDialog } from '@/app/on-demand';
import type { Role, Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { Button, buttonClass } from '@/ui/button';
import { cx } from '@/ui/cx';
import { CopyIcon, PauseIcon, PlayIcon, PowerIcon, RebootIcon, StopIcon, SuspendIcon, TerminalIcon, TrashIcon } from '@/ui/icons';
import { Menu, type MenuEntry } from '@/ui/menu';
import { useVmPower } from './actions';
import { mainAction, type VmAction, whyNot } from './rules';

type Props = {
  vm: Vm;
  role: Role;
  /** Off on the VM's own pages, where the console is a tab. */
  withConsole?: boolean;
  onDeleted?: () => void;
};

export function VmActions({ vm, role, withConsole = true, onDeleted }: Props) {
  const { t } = useI18n();
  const [asking, setAsking] = useState<'stop' | 'reset' | 'clone' | 'delete' | null>(null);
  const power = useVmPower(vm);
  const reason = (action: VmAction) => {
    const key = whyNot(action, vm.state, role);
    return key === null ? null : t(key);
  };
  const choose = (action: VmAction) => {
    if (action === 'stop' || action === 'reset' || action === 'clone' || action === 'delete') setAsking(action);
    else if (action !== 'console') power.mutate(action);
  };
  const main = mainAction(vm.state);
  return (
    <div className={cx('grid items-center gap-1.5', withConsole ? 'grid-cols-[1fr_1fr_auto]' : 'grid-cols-[1fr_auto]')}>
      <Button
        icon={main === 'shutdown' ? <PowerIcon /> : <PlayIcon />}
        busy={power.isPending}
        disabledReason={reason(main)}
        onClick={() => choose(main)}
        aria-label={t(`vm.${main}.named`, { name: vm.name })}
      >
        <StableLabel shown={t(`vm.${main}`)} others={[t('vm.start'), t('vm.resume'), t('vm.shutdown')]} />
      </Button>
      {withConsole && <ConsoleButton vm={vm} reason={reason('console')} />}
      <VmMenu vm={vm} reason={reason} choose={choose} />
      <Suspense>
        {(asking === 'stop' || asking === 'reset') && (
          <StopDialog vm={vm} action={asking} onConfirm={() => power.mutate(asking)} onClose={() => setAsking(null)} />
        )}
        {asking === 'clone' && <CloneDialog vm={vm} onClose={() => setAsking(null)} />}
        {asking === 'delete' && (
          <DeleteDialog
            vm={vm}
            onClose={() => setAsking(null)}
            onDone={() => {
              setAsking(null);
              onDeleted?.();
            }}
          />
        )}
      </Suspense>
    </div>
  );
}

/** As wide as the widest of its labels, so that buttons stand in line whichever is shown. */
function StableLabel({ shown, others }: { shown: string; others: readonly string[] }) {
  return (
    <span className="grid text-left">
      <span className="col-start-1 row-start-1">{shown}</span>
      {others.map((other) => (
        <span key={other} className="invisible col-start-1 row-start-1" aria-hidden="true">
          {other}
        </span>
      ))}
    </span>
  );
}

function ConsoleButton({ vm, reason }: { vm: Vm; reason: string | null }) {
  const { t } = useI18n();
  const label = t('vm.console.named', { name: vm.name });
  if (reason !== null) {
    return (
      <Button icon={<TerminalIcon />} disabledReason={reason} aria-label={label}>
        {t('vm.console')}
      </Button>
    );
  }
  return (
    <Link to="/vms/$vmId/console" params={{ vmId: vm.id }} aria-label={label} className={buttonClass()}>
      <TerminalIcon />
      {t('vm.console')}
    </Link>
  );
}

type MenuProps = { vm: Vm; reason: (action: VmAction) => string | null; choose: (action: VmAction) => void };

function VmMenu({ vm, reason, choose }: MenuProps) {
  const { t } = useI18n();
  const entry = (action: VmAction, label: string, icon: ReactNode): MenuEntry => ({
    label,
    icon,
    reason: reason(action),
    danger: action === 'delete',
    onChoose: () => choose(action),
  });
  const saved = vm.state === 'saved';
  const power = [
    entry('start', t('vm.start'), <PlayIcon />),
    entry('shutdown', t('vm.shutdown'), <PowerIcon />),
    entry('reboot', t('vm.reboot'), <RebootIcon />),
  ];
  const hold = [
    entry('pause', t('vm.pause'), <PauseIcon />),
    entry('resume', t('vm.resume'), <PlayIcon />),
    entry('suspend', t('vm.suspend'), <SuspendIcon />),
  ];
  const force = [
    entry('reset', t('vm.reset.ask'), <RebootIcon />),
    entry('stop', t(saved ? 'vm.discard.ask' : 'vm.stop.ask'), <StopIcon />),
  ];
  return <Menu label={t('vm.menu', { name: vm.name })} groups={[power, hold, force, [entry('clone', t('vm.clone.ask'), <CopyIcon />)], [entry('delete', t('vm.delete.ask'), <TrashIcon />)]]} />;
}
