// Where the daemon's complaints about a form belong. Pure.
import type { FieldProblem } from '@/api/problem';

/** The complaints by form field, by the first path that fits; `rest` are those that belong to none. */
export function placeProblems<Name extends string>(
  problems: readonly FieldProblem[],
  places: readonly [RegExp, Name][],
): { fields: Partial<Record<Name, string>>; rest: FieldProblem[] } {
  const fields: Partial<Record<Name, string>> = {};
  const rest: FieldProblem[] = [];
  for (const problem of problems) {
    const field = places.find(([path]) => path.test(problem.field))?.[1];
    if (field === undefined) rest.push(problem);
    else fields[field] ??= sentence(problem);
  }
  return { fields, rest };
}

/** The daemon's words as a sentence; the memory limit is in MiB, whichever unit was chosen. */
function sentence({ field, reason }: FieldProblem): string {
  const text = reason.charAt(0).toUpperCase() + reason.slice(1);
  return field === 'memory_mib' ? `${text} (MiB)` : text;
}
