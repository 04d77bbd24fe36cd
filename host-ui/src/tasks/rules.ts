// What tasks are called, how they look, and who may cancel which. Pure; the daemon decides in the end.
import type { Role, Task } from '@/api/types';
import { en } from '@/i18n/en';
import type { MessageKey, Translate } from '@/i18n/translate';
import type { BadgeTone } from '@/ui/badge';

/** Whether something still happens. */
export const isUnderWay = (task: Task): boolean => ['waiting', 'running', 'cancelling'].includes(task.state);

/** An operation or a step in the reader's words; a newer daemon's own where there are none. */
export function inWords(name: string, t: Translate): string {
  const key = `task.${name}`;
  return key in en ? t(key as MessageKey) : name;
}

/** What is done to what. */
export function taskTitle(task: Task, t: Translate): string {
  const target = task.target.type === 'system' ? t('task.system') : task.target.name;
  return t('task.of', { operation: inWords(task.operation, t), target });
}

/** Why it can't be cancelled, in words; `null` when it can. */
export function cancelReason(task: Task, role: Role, t: Translate): string | null {
  return role === 'viewer' ? t('reason.viewer') : task.not_cancellable;
}

export const stateTones: Record<Task['state'], BadgeTone> = {
  waiting: 'plain',
  running: 'info',
  cancelling: 'warn',
  done: 'good',
  failed: 'danger',
  cancelled: 'plain',
  interrupted: 'danger',
};
