import { expect, test } from 'vitest';
import type { Vm } from '@/api/types';
import { aVm } from '@/testing/samples';
import { freeCloneName, mainAction, matches, type VmAction, whyNot } from './rules';

const allowed: Record<VmAction, Vm['state'][]> = {
  start: ['off', 'crashed', 'saved'],
  shutdown: ['running'],
  reboot: ['running'],
  reset: ['running', 'paused'],
  stop: ['running', 'paused', 'shutting_down', 'suspended', 'saved'],
  pause: ['running'],
  resume: ['paused', 'suspended'],
  suspend: ['running', 'paused'],
  clone: ['off', 'crashed'],
  delete: ['off', 'crashed', 'saved'],
  console: ['running', 'paused', 'shutting_down', 'crashed', 'suspended', 'saved', 'off'],
};
const states: Vm['state'][] = ['running', 'paused', 'shutting_down', 'off', 'saved', 'crashed', 'suspended'];

test('the main action is one that can be done, but for a guest that is shutting down', () => {
  for (const state of states.filter((each) => each !== 'shutting_down')) {
    expect(whyNot(mainAction(state), state, 'operator')).toBeNull();
  }
});

test.each(Object.entries(allowed) as [VmAction, Vm['state'][]][])('%s is for VMs that are %j', (action, good) => {
  expect(states.filter((state) => whyNot(action, state, 'operator') === null).toSorted()).toEqual(good.toSorted());
});

test('a viewer may do none of it, and is told so', () => {
  for (const action of Object.keys(allowed) as VmAction[]) {
    for (const state of states) expect(whyNot(action, state, 'viewer')).toBe('reason.viewer');
  }
});

test('a clone is offered a name that is free and short enough', () => {
  expect(freeCloneName('web', ['web'])).toBe('web-2');
  expect(freeCloneName('web-2', ['web-2', 'web-3'])).toBe('web-4');
  expect(freeCloneName('x'.repeat(63), [])).toBe(`${'x'.repeat(61)}-2`);
});

test('a search finds names, descriptions and ids, whatever the case', () => {
  const vm = aVm({ name: 'Web1', description: 'Public shop', tags: ['prod'] });
  for (const search of ['web', ' SHOP ', 'PROD', vm.id, '']) expect(matches(vm, search)).toBe(true);
  expect(matches(vm, 'mail')).toBe(false);
});
