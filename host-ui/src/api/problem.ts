// What can go wrong when the daemon is asked something, as one error type that every caller can show.
// Knows the shape of RFC 9457 documents; knows no endpoint.
import type { Schemas } from './types';

export type FieldProblem = Schemas['FieldProblem'];

/** The daemon answered, and the answer was no. `message` is its own sentence for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly title: string,
    detail: string,
    readonly requestId: string | null = null,
    readonly fields: readonly FieldProblem[] = [],
  ) {
    super(detail || title);
  }
}

/** No answer came: the host is down, unreachable, or the connection broke. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** Reads a problem document; anything else (a proxy's page, say) becomes one with the status alone. */
export function problemFrom(status: number, body: unknown): ApiError {
  if (!isRecord(body)) return new ApiError(status, `HTTP ${status}`, '');
  const title = text(body['title']) ?? `HTTP ${status}`;
  const errors = Array.isArray(body['errors']) ? body['errors'].flatMap(fieldProblem) : [];
  return new ApiError(status, title, text(body['detail']) ?? '', text(body['request_id']), errors);
}

function fieldProblem(value: unknown): FieldProblem[] {
  if (!isRecord(value)) return [];
  const field = text(value['field']);
  const reason = text(value['reason']);
  return field === null || reason === null ? [] : [{ field, reason }];
}

const text = (value: unknown) => (typeof value === 'string' ? value : null);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
