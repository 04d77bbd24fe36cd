// A VM's drives and NICs, with what can be done to each.
import { type ReactNode, Suspense, useState } from 'react';
import { AddDiskDialog, AddNicDialog, CdDialog, GrowDiskDialog, RemoveDiskDialog, RemoveNicDialog } from '@/app/on-demand';
import type { Disk, Role, Vm } from '@/api/types';
import { formatBytes } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { DiscIcon, PlusIcon, TrashIcon, UploadIcon } from '@/ui/icons';
import { Menu } from '@/ui/menu';
import { roleReason } from './rules';

type Props = { vm: Vm; role: Role };

export function Drives({ vm, role }: Props) {
  const { t } = useI18n();
  const [asking, setAsking] = useState<'add' | 'cd' | { grow: Disk } | { remove: Disk } | null>(null);
  const reason = useReason(role);
  const close = () => setAsking(null);
  const actions = (
    <>
      <Button disabledReason={reason} icon={<DiscIcon />} onClick={() => setAsking('cd')}>
        {t('cd.change')}
      </Button>
      <Button disabledReason={reason} icon={<PlusIcon />} onClick={() => setAsking('add')}>
        {t('disk.add')}
      </Button>
    </>
  );
  return (
    <List id="drives" title={t('vm.drives')} empty={t('vm.drives.none')} actions={actions}>
      {vm.disks.map((disk) => (
        <li key={disk.target} className="flex items-start gap-2 py-2">
          <DriveText disk={disk} />
          {!disk.cdrom && (
            <Menu
              label={t('device.menu', { device: disk.target })}
              groups={[[
                { label: t('disk.grow.ask'), icon: <UploadIcon />, reason, onChoose: () => setAsking({ grow: disk }) },
                { label: t('device.remove.ask'), icon: <TrashIcon />, reason, danger: true, onChoose: () => setAsking({ remove: disk }) },
              ]]}
            />
          )}
        </li>
      ))}
      <Suspense>
        {asking === 'add' && <AddDiskDialog vm={vm} onClose={close} />}
        {asking === 'cd' && <CdDialog vm={vm} onClose={close} />}
        {asking !== null && typeof asking === 'object' && 'grow' in asking && <GrowDiskDialog vm={vm} disk={asking.grow} onClose={close} />}
        {asking !== null && typeof asking === 'object' && 'remove' in asking && <RemoveDiskDialog vm={vm} disk={asking.remove} onClose={close} />}
      </Suspense>
    </List>
  );
}

function DriveText({ disk }: { disk: Disk }) {
  const { t, language } = useI18n();
  const kind = t(disk.cdrom ? 'vm.drive.cd' : 'vm.drive.disk');
  const size = disk.size_bytes === null ? '' : `, ${formatBytes(disk.size_bytes, language)}`;
  return (
    <div className="min-w-0 flex-1">
      <span className="font-mono">{disk.target}</span> <span className="text-muted">{kind + size}</span>
      <div className="font-mono text-xs break-all text-muted">{disk.path ?? t('vm.drive.empty')}</div>
    </div>
  );
}

export function Nics({ vm, role }: Props) {
  const { t } = useI18n();
  const [asking, setAsking] = useState<'add' | { mac: string } | null>(null);
  const reason = useReason(role);
  const close = () => setAsking(null);
  const add = (
    <Button disabledReason={reason} icon={<PlusIcon />} onClick={() => setAsking('add')}>
      {t('nic.add')}
    </Button>
  );
  return (
    <List id="nics" title={t('vm.nics')} empty={t('vm.nics.none')} actions={add}>
      {vm.nics.map(({ mac, source }) => (
        <li key={mac} className="flex items-start gap-2 py-2">
          <div className="min-w-0 flex-1">
            <span className="font-mono">{mac}</span> <span className="text-muted">{t('vm.nic.on', { source })}</span>
          </div>
          <Menu
            label={t('device.menu', { device: mac })}
            groups={[[{ label: t('device.remove.ask'), icon: <TrashIcon />, reason, danger: true, onChoose: () => setAsking({ mac }) }]]}
          />
        </li>
      ))}
      <Suspense>
        {asking === 'add' && <AddNicDialog vm={vm} onClose={close} />}
        {asking !== null && asking !== 'add' && <RemoveNicDialog vm={vm} mac={asking.mac} onClose={close} />}
      </Suspense>
    </List>
  );
}

function useReason(role: Role): string | null {
  const { t } = useI18n();
  const denied = roleReason(role);
  return denied && t(denied);
}

type ListProps = { id: string; title: string; empty: string; actions: ReactNode; children: [ReactNode[], ReactNode] };

/** Items with what can be added; the dialogs that the last child is stand outside the list. */
function List({ id, title, empty, actions, children: [items, dialogs] }: ListProps) {
  return (
    <section className="card p-4 text-sm sm:p-5" aria-labelledby={id}>
      <div className="mb-1 flex flex-wrap items-center gap-2">
        <h2 id={id} className="mr-auto text-base font-semibold">{title}</h2>
        {actions}
      </div>
      {items.length === 0 ? <p className="py-2 text-muted">{empty}</p> : <ul className="divide-y divide-line">{items}</ul>}
      {dialogs}
    </section>
  );
}
