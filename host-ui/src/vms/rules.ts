// Which action fits which VM and which role, and why not when it doesn't. Pure: the same rules serve every
// button and menu. The daemon decides in the end; this only spares people a refusal.
import type { Role, Vm } from '@/api/types';
import type { MessageKey } from '@/i18n/translate';

export type PowerAction = 'start' | 'shutdown' | 'reboot' | 'reset' | 'stop' | 'pause' | 'resume' | 'suspend';
export type VmAction = PowerAction | 'clone' | 'delete' | 'console';

type State = Vm['state'];
const stopped: readonly State[] = ['off', 'crashed', 'saved'];

/** Whether no process runs the VM. */
export const isStopped = (state: State): boolean => stopped.includes(state);

/** The one action that leads on from a state. */
export function mainAction(state: State): 'start' | 'resume' | 'shutdown' {
  if (isStopped(state)) return 'start';
  return state === 'paused' || state === 'suspended' ? 'resume' : 'shutdown';
}

/** Why nobody with this role may change anything; `null` for those who may. */
export function roleReason(role: Role): MessageKey | null {
  return role === 'viewer' ? 'reason.viewer' : null;
}

/** Why `action` can't be done to a VM in `state` by `role`; `null` when it can. */
export function whyNot(action: VmAction, state: State, role: Role): MessageKey | null {
  return roleReason(role) ?? stateReasons[action](state);
}

const stateReasons: Record<VmAction, (state: State) => MessageKey | null> = {
  start: (state) => {
    if (state === 'paused' || state === 'suspended') return 'reason.resumeInstead';
    return stopped.includes(state) ? null : 'reason.notOff';
  },
  shutdown: whileRunning,
  reboot: whileRunning,
  reset: (state) => (state === 'paused' ? null : whileRunning(state)),
  stop: (state) => (state === 'off' || state === 'crashed' ? 'reason.off' : null),
  pause: (state) => (state === 'paused' ? 'reason.paused' : whileRunning(state)),
  resume: (state) => {
    if (state === 'paused' || state === 'suspended') return null;
    return stopped.includes(state) ? whileRunning(state) : 'reason.notPaused';
  },
  suspend: (state) => (state === 'paused' ? null : whileRunning(state)),
  delete: (state) => (stopped.includes(state) ? null : 'reason.stopFirst'),
  clone: (state) => {
    if (state === 'saved') return 'reason.saved';
    return stopped.includes(state) ? null : 'reason.stopFirst';
  },
  console: () => null,
};

/** What needs a guest that runs. */
function whileRunning(state: State): MessageKey | null {
  switch (state) {
    case 'running':
      return null;
    case 'paused':
    case 'suspended':
      return 'reason.notRunning';
    case 'shutting_down':
      return 'reason.shuttingDown';
    case 'saved':
      return 'reason.saved';
    case 'off':
    case 'crashed':
      return 'reason.off';
  }
}

/** A name for a clone that no VM has: NAME-2, or the next number. */
export function freeCloneName(name: string, taken: readonly string[]): string {
  const [, stem = name, number = '1'] = /^(.*)-(\d{1,4})$/.exec(name) ?? [];
  for (let next = Number(number) + 1; ; next += 1) {
    const end = `-${next}`;
    const free = stem.slice(0, 63 - end.length) + end;
    if (!taken.includes(free)) return free;
  }
}

/** Whether the text a person searches for occurs in what they see of the VM, or is its id. */
export function matches(vm: Vm, search: string): boolean {
  const wanted = search.trim().toLocaleLowerCase();
  return [vm.name, vm.description, vm.id, ...vm.tags].some((text) => text.toLocaleLowerCase().includes(wanted));
}
