// Which action fits which VM and which role, and why not when it doesn't. Pure: the same rules serve every
// button and menu. The daemon decides in the end; this only spares people a refusal.
import type { Role, Vm } from '@/api/types';
import type { MessageKey } from '@/i18n/translate';

export type VmAction = 'start' | 'shutdown' | 'stop' | 'delete' | 'console';

type State = Vm['state'];
const stopped: readonly State[] = ['off', 'crashed'];

/** Why nobody with this role may change anything; `null` for those who may. */
export function roleReason(role: Role): MessageKey | null {
  return role === 'viewer' ? 'reason.viewer' : null;
}

/** Why `action` can't be done to a VM in `state` by `role`; `null` when it can. */
export function whyNot(action: VmAction, state: State, role: Role): MessageKey | null {
  return roleReason(role) ?? stateReasons[action](state);
}

const stateReasons: Record<VmAction, (state: State) => MessageKey | null> = {
  start: (state) => (stopped.includes(state) ? null : 'reason.notOff'),
  shutdown: (state) => {
    if (state === 'running') return null;
    if (state === 'shutting_down') return 'reason.shuttingDown';
    return stopped.includes(state) ? 'reason.off' : 'reason.notRunning';
  },
  stop: (state) => (state === 'off' ? 'reason.off' : null),
  delete: (state) => (stopped.includes(state) ? null : 'reason.stopFirst'),
  console: () => null,
};

/** Whether the text a person searches for occurs in what they see of the VM, or is its id. */
export function matches(vm: Vm, search: string): boolean {
  const wanted = search.trim().toLocaleLowerCase();
  return [vm.name, vm.description, vm.id].some((text) => text.toLocaleLowerCase().includes(wanted));
}
