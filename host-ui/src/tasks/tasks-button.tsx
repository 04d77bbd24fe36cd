// The way to the tasks from every page, with how many are under way.
import { useQuery } from '@tanstack/react-query';
import { Suspense, useState } from 'react';
import { tasksQuery } from '@/api/queries';
import type { Role } from '@/api/types';
import { TasksDialog } from '@/app/on-demand';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Spinner, TasksIcon } from '@/ui/icons';
import { isUnderWay } from './rules';

export function TasksButton({ role }: { role: Role }) {
  const { t } = useI18n();
  const [open, setOpen] = useState(false);
  const count = useQuery(tasksQuery).data?.filter(isUnderWay).length ?? 0;
  return (
    <>
      <Button
        variant="quiet"
        icon={count > 0 ? <Spinner /> : <TasksIcon />}
        aria-label={count > 0 ? t('tasks.button', { count }) : t('tasks.title')}
        onClick={() => setOpen(true)}
      >
        <span className="hidden sm:inline">{t('tasks.title')}</span>
        {count > 0 && <span className="tabular-nums">{count}</span>}
      </Button>
      <Suspense>{open && <TasksDialog role={role} onClose={() => setOpen(false)} />}</Suspense>
    </>
  );
}
