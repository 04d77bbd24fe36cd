// One VM out of the list that events keep fresh.
import { useQuery } from '@tanstack/react-query';
import { vmsQuery } from '@/api/queries';
import type { Vm } from '@/api/types';

/** The list's state, with `data` the VM or `null` when the host has none of that id. */
export function useVm(id: string) {
  return useQuery({ ...vmsQuery, select: (vms): Vm | null => vms.find((vm) => vm.id === id) ?? null });
}
