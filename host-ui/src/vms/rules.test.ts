import { expect, test } from 'vitest';
import type { Vm } from '@/api/types';
import { aVm } from '@/testing/samples';
import { matches, type VmAction, whyNot } from './rules';

const allowed: Record<VmAction, Vm['state'][]> = {
  start: ['off', 'crashed'],
  shutdown: ['running'],
  stop: ['running', 'paused', 'shutting_down', 'crashed', 'suspended'],
  delete: ['off', 'crashed'],
  console: ['running', 'paused', 'shutting_down', 'crashed', 'suspended', 'off'],
};
const states: Vm['state'][] = ['running', 'paused', 'shutting_down', 'off', 'crashed', 'suspended'];

test.each(Object.entries(allowed) as [VmAction, Vm['state'][]][])('%s is for VMs that are %j', (action, good) => {
  expect(states.filter((state) => whyNot(action, state, 'operator') === null).toSorted()).toEqual(good.toSorted());
});

test('a viewer may do none of it, and is told so', () => {
  for (const action of Object.keys(allowed) as VmAction[]) {
    for (const state of states) expect(whyNot(action, state, 'viewer')).toBe('reason.viewer');
  }
});

test('a search finds names, descriptions and ids, whatever the case', () => {
  const vm = aVm({ name: 'Web1', description: 'Public shop' });
  for (const search of ['web', ' SHOP ', vm.id, '']) expect(matches(vm, search)).toBe(true);
  expect(matches(vm, 'mail')).toBe(false);
});
