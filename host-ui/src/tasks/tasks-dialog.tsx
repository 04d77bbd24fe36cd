// What is under way and what was: percentage, steps and log of each, and how to stop it.
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '@/api/client';
import { taskQuery, tasksQuery } from '@/api/queries';
import type { Role, Task } from '@/api/types';
import { formatTime } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { TasksIcon } from '@/ui/icons';
import { LoadError, Loading, Placeholder, useErrorText } from '@/ui/message';
import { notify } from '@/ui/notices';
import { ProgressBar } from '@/ui/progress-bar';
import { cancelReason, inWords, isUnderWay, stateTones, taskTitle } from './rules';

export function TasksDialog({ role, onClose }: { role: Role; onClose: () => void }) {
  const { t } = useI18n();
  const tasks = useQuery(tasksQuery);
  return (
    <Dialog title={t('tasks.title')} onClose={onClose} wide>
      {tasks.isPending && <Loading label={t('tasks.loading')} />}
      {tasks.isError && <LoadError error={tasks.error} what={t('tasks.what')} retry={() => void tasks.refetch()} />}
      {tasks.data?.length === 0 && (
        <Placeholder icon={<TasksIcon />} title={t('tasks.empty.title')}>
          {t('tasks.empty.text')}
        </Placeholder>
      )}
      {tasks.data?.map((task) => <TaskRow key={task.id} task={task} role={role} />)}
    </Dialog>
  );
}

function TaskRow({ task, role }: { task: Task; role: Role }) {
  const { t, language } = useI18n();
  const [detailed, setDetailed] = useState(false);
  const title = taskTitle(task, t);
  const time = (text: string) => formatTime(new Date(text), language);
  return (
    <article aria-label={title} className="border-t border-line py-3 text-sm first-of-type:border-t-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h3 className="min-w-40 flex-1 font-medium [overflow-wrap:anywhere]">{title}</h3>
        <Badge tone={stateTones[task.state]}>{t(`task.state.${task.state}`)}</Badge>
        {isUnderWay(task) && <span className="tabular-nums">{task.percent} %</span>}
        {isUnderWay(task) && <CancelButton task={task} role={role} title={title} />}
      </div>
      {isUnderWay(task) && <ProgressBar label={t('task.progress', { operation: title })} share={task.percent} />}
      <p className="text-muted">
        {t('task.by', { actor: task.actor, time: time(task.created_at) })}
        {task.ended_at !== null && ` · ${t('task.ended', { time: time(task.ended_at) })}`}
      </p>
      {task.problem !== null && <p className="text-danger [overflow-wrap:anywhere]">{task.problem.detail}</p>}
      <details onToggle={(event) => setDetailed(event.currentTarget.open)}>
        <summary className="cursor-pointer py-1 text-muted">{t('task.details')}</summary>
        {detailed && <Details task={task} />}
      </details>
    </article>
  );
}

function Details({ task }: { task: Task }) {
  const { t, language } = useI18n();
  const read = useQuery(taskQuery(task.id));
  const clock = new Intl.DateTimeFormat(language, { timeStyle: 'medium' });
  return (
    <div className="space-y-2 pl-4">
      <ul>
        {task.steps.map((step) => (
          <li key={step.name}>
            {inWords(step.name, t)}: <span className="text-muted">{t(`task.step.${step.state}`)}</span>
          </li>
        ))}
      </ul>
      {read.isError && <LoadError error={read.error} what={t('tasks.what')} retry={() => void read.refetch()} />}
      {read.data?.log?.length === 0 && <p className="text-muted">{t('task.log.empty')}</p>}
      <ol className="font-mono text-xs [overflow-wrap:anywhere]">
        {read.data?.log?.map((line) => (
          <li key={`${line.time} ${line.text}`}>{`${clock.format(new Date(line.time))} ${line.text}`}</li>
        ))}
      </ol>
    </div>
  );
}

function CancelButton({ task, role, title }: { task: Task; role: Role; title: string }) {
  const { t } = useI18n();
  const errorText = useErrorText();
  // What comes of it is told by events, which may be faster than the answer.
  const cancel = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/tasks/{id}/cancel', { params: { path: { id: task.id } } })),
    onError: (error) =>
      notify({ tone: 'danger', title: t('task.cancel.failed', { operation: title }), detail: errorText(error) }),
  });
  return (
    <Button
      variant="quiet"
      busy={cancel.isPending || task.state === 'cancelling'}
      disabledReason={cancelReason(task, role, t)}
      aria-label={t('task.cancel.named', { operation: title })}
      onClick={() => cancel.mutate()}
    >
      {t('task.cancel')}
    </Button>
  );
}
