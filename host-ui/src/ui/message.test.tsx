// @vitest-environment jsdom
import { cleanup } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { ApiError } from '@/api/problem';
import { renderPage } from '@/testing/render';
import { FormRefusal } from './message';

afterEach(cleanup);

const nameFault = { field: 'name', reason: 'is taken' };
const hidden = { field: 'vcpus_max', reason: 'must be 2' };
const refused = (detail: string, ...faults: (typeof nameFault)[]) => new ApiError(422, 'Unprocessable', detail, null, faults);

/** What is read, with what stands beside fields left out. */
async function read(error: unknown, fields: Record<string, string>, rest: (typeof nameFault)[]): Promise<string> {
  await renderPage(<FormRefusal error={error} title="It was not saved" fields={fields} rest={rest} />);
  return document.body.textContent ?? '';
}

test('what stands beside a field is not said again', async () => {
  const text = await read(refused('name is taken', nameFault), { name: 'Is taken' }, []);
  expect(text).toContain('It was not saved');
  expect(text).toContain('What is wrong stands beside the fields.');
  expect(text).not.toContain('is taken');
});

test('what belongs to no field is said, beside others or alone', async () => {
  const both = refused('2 fields are wrong; see errors', nameFault, hidden);
  expect(await read(both, { name: 'Is taken' }, [hidden])).toContain('vcpus_max: must be 2');
  cleanup();
  const nowhere = await read(both, {}, [nameFault, hidden]);
  expect(nowhere).toContain('name: is taken');
  expect(nowhere).toContain('vcpus_max: must be 2');
  cleanup();
  // One alone is what the error says, and is said once.
  const one = await read(refused('vcpus_max must be 2', hidden), {}, [hidden]);
  expect(one.match(/must be 2/g)).toHaveLength(1);
});

test('an error of another kind says itself, and faults that were found here are said too', async () => {
  expect(await read(new ApiError(409, 'Conflict', 'It was changed meanwhile'), {}, [])).toContain('It was changed meanwhile');
  cleanup();
  expect(await read(null, {}, [hidden])).toContain('vcpus_max: must be 2');
});
