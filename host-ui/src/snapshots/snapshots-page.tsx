// A VM's snapshots: the tree, what is done to it right now, and the dialogs that change it.
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { snapshotsQuery, tasksQuery } from '@/api/queries';
import type { Role, Snapshot, Vm } from '@/api/types';
import { formatTime } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { isUnderWay, taskTitle } from '@/tasks/rules';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { CameraIcon, PlusIcon, RebootIcon, TrashIcon } from '@/ui/icons';
import { LoadError, Loading, Message, Placeholder } from '@/ui/message';
import { ProgressBar } from '@/ui/progress-bar';
import { roleReason } from '@/vms/rules';
import { VmFrame } from '@/vms/vm-frame';
import { inTree, type Placed, takeReason } from './rules';
import { DeleteSnapshotDialog, RevertDialog, TakeDialog } from './snapshot-dialogs';

export function SnapshotsPage() {
  const { vmId } = useParams({ from: '/shell/vms/$vmId/snapshots' });
  return <VmFrame id={vmId}>{(vm, role) => <SnapshotsContent vm={vm} role={role} />}</VmFrame>;
}

type Open = { kind: 'take' } | { kind: 'revert' | 'delete'; placed: Placed } | null;

export function SnapshotsContent({ vm, role }: { vm: Vm; role: Role }) {
  const { t } = useI18n();
  const snapshots = useQuery(snapshotsQuery(vm.id));
  const [open, setOpen] = useState<Open>(null);
  const [task, setTask] = useState<string | null>(null);
  const denied = takeReason(vm, role);
  const close = () => setOpen(null);
  const begun = (id: string) => {
    setTask(id);
    close();
  };
  const take = (
    <Button variant="primary" icon={<PlusIcon />} disabledReason={denied && t(denied)} onClick={() => setOpen({ kind: 'take' })}>
      {t('snapshot.take')}
    </Button>
  );
  return (
    <section className="card" aria-labelledby="snapshots-heading">
      <div className="flex flex-wrap items-center gap-3 border-b border-line p-4">
        <h2 id="snapshots-heading" className="mr-auto text-base font-semibold">{t('snapshots.title')}</h2>
        {take}
      </div>
      {task !== null && <Progress id={task} />}
      {snapshots.isPending && <Loading label={t('snapshots.loading')} />}
      {snapshots.isError && <LoadError error={snapshots.error} what={t('snapshots.what')} retry={() => void snapshots.refetch()} />}
      {snapshots.data?.length === 0 && (
        <Placeholder icon={<CameraIcon />} title={t('snapshots.empty.title')}>
          {t('snapshots.empty.text')}
        </Placeholder>
      )}
      <ul>
        {inTree(snapshots.data ?? []).map((placed) => (
          <Row key={placed.snapshot.name} placed={placed} role={role} open={setOpen} />
        ))}
      </ul>
      {open?.kind === 'take' && <TakeDialog vm={vm} snapshots={snapshots.data ?? []} onBegun={begun} onClose={close} />}
      {open?.kind === 'revert' && <RevertDialog vm={vm} snapshot={open.placed.snapshot} onBegun={begun} onClose={close} />}
      {open?.kind === 'delete' && <DeleteSnapshotDialog vm={vm} placed={open.placed} onBegun={begun} onClose={close} />}
    </section>
  );
}

/** What the last action comes to; a failure stays until the next action. */
function Progress({ id }: { id: string }) {
  const { t } = useI18n();
  const task = useQuery(tasksQuery).data?.find((one) => one.id === id);
  if (task === undefined || task.state === 'done') return null;
  const title = taskTitle(task, t);
  return (
    <div className="px-4 pt-4 text-sm">
      {isUnderWay(task) ? (
        <>
          <p role="status">{`${title} …`}</p>
          <ProgressBar label={t('task.progress', { operation: title })} share={task.percent} />
        </>
      ) : (
        <Message tone="danger" live title={`${title}: ${t(`task.state.${task.state}`)}`}>
          {task.problem?.detail}
        </Message>
      )}
    </div>
  );
}

function Row({ placed, role, open }: { placed: Placed; role: Role; open: (open: Open) => void }) {
  const { t } = useI18n();
  const { snapshot, depth } = placed;
  const { name } = snapshot;
  const denied = roleReason(role);
  const reason = denied && t(denied);
  return (
    <li
      aria-label={name}
      className="flex flex-wrap items-start gap-x-4 gap-y-2 border-t border-line p-4 text-sm first:border-t-0"
      style={{ paddingLeft: `${1 + Math.min(depth, 8) * 1.5}rem` }}
    >
      <div className="min-w-40 flex-1">
        <h3 className="flex flex-wrap items-center gap-2 font-medium [overflow-wrap:anywhere]">
          {name}
          {snapshot.current && <Badge tone="info">{t('snapshot.current')}</Badge>}
        </h3>
        <Facts snapshot={snapshot} />
      </div>
      <div className="flex flex-wrap gap-1">
        <Button
          variant="quiet"
          icon={<RebootIcon />}
          disabledReason={reason}
          aria-label={t('snapshot.revert.named', { name })}
          onClick={() => open({ kind: 'revert', placed })}
        >
          {t('snapshot.revert')}
        </Button>
        <Button
          variant="quiet"
          icon={<TrashIcon />}
          disabledReason={reason}
          aria-label={t('snapshot.delete.named', { name })}
          onClick={() => open({ kind: 'delete', placed })}
        >
          {t('snapshot.delete')}
        </Button>
      </div>
    </li>
  );
}

function Facts({ snapshot }: { snapshot: Snapshot }) {
  const { t, language } = useI18n();
  const taken = formatTime(new Date(snapshot.created_at), language);
  const holds = t(snapshot.memory ? 'snapshot.memory' : 'snapshot.disks');
  return (
    <>
      <p className="text-muted">{`${taken} · ${holds}`}</p>
      {snapshot.description !== '' && <p className="whitespace-pre-wrap [overflow-wrap:anywhere]">{snapshot.description}</p>}
    </>
  );
}
