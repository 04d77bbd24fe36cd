// What a person makes of something that others can change meanwhile: follows the daemon until they type, then keeps
// what was typed and tells that there is something newer.
import { useState } from 'react';

const equal = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

export type Draft<T, F> = {
  /** What the draft was made from; its revision is the one to change. */
  seen: T;
  form: F;
  change: (part: Partial<F>) => void;
  /** Something was typed that is not stored. */
  dirty: boolean;
  /** Somebody else changed what the draft was made from. */
  outdated: boolean;
  /** Forgets what was typed. */
  discard: () => void;
  /** Goes on from what was just stored. */
  settle: (stored: T) => void;
};

/** `formOf` says what of `now` can be typed, `same` whether two forms mean the same; that alone counts as a change. */
export function useDraft<T, F extends object>(
  now: T,
  formOf: (value: T) => F,
  same: (a: F, b: F) => boolean = equal,
): Draft<T, F> {
  const [seen, setSeen] = useState(now);
  const [form, setForm] = useState(() => formOf(now));
  const was = formOf(seen);
  const is = formOf(now);
  const dirty = !same(form, was);
  const moved = !same(was, is);
  const outdated = moved && dirty && !same(form, is);
  if (seen !== now && !outdated) {
    setSeen(now);
    if (moved) setForm(is);
  }
  const settle = (stored: T) => {
    setSeen(stored);
    setForm(formOf(stored));
  };
  return {
    seen,
    form,
    change: (part) => setForm((old) => ({ ...old, ...part })),
    dirty,
    outdated,
    discard: () => settle(now),
    settle,
  };
}
