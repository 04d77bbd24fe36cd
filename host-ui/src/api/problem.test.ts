import { expect, test } from 'vitest';
import { problemFrom } from './problem';

test('a problem document becomes its sentence, its fields and its request', () => {
  const errors = [{ field: 'name', reason: 'is taken' }];
  const error = problemFrom(409, { title: 'Conflict', detail: 'The name is taken.', request_id: 'r1', errors });
  expect(error.message).toBe('The name is taken.');
  expect(error.fields).toEqual(errors);
  expect(error.requestId).toBe('r1');
});

test.each([null, 'Bad gateway', [], 7, { errors: ['x', { field: 1 }] }])('anything else (%j) still has a status', (body) => {
  const error = problemFrom(502, body);
  expect(error.status).toBe(502);
  expect(error.message).toBe('HTTP 502');
  expect(error.fields).toEqual([]);
});
