// How fast something grows, from the values seen in the last seconds. Pure: the time is given.
const windowMs = 5_000;
/** Below this the speed is a guess. */
const leastMs = 1_000;

type Sample = { atMs: number; value: number };

export class Rate {
  #samples: Sample[] = [];

  /** Takes in a value, once for each point in time. One that is smaller than the last starts anew. */
  add(value: number, atMs: number): void {
    const last = this.#samples.at(-1);
    if (last?.atMs === atMs) return;
    if (last !== undefined && value < last.value) this.#samples = [];
    this.#samples.push({ atMs, value });
    // One sample from before the window stays, so that slow growth has a start to be measured from.
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? atMs) < atMs - windowMs) this.#samples.shift();
  }

  /** Growth a second; `null` while nothing can be said. */
  perSecond(): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < leastMs) return null;
    const rate = ((last.value - first.value) * 1000) / (last.atMs - first.atMs);
    return rate > 0 ? rate : null;
  }
}

/** Seconds until `value` is `whole` at this speed; `null` while nothing can be said. */
export function secondsLeft(value: number, whole: number, perSecond: number | null): number | null {
  return perSecond === null ? null : Math.max(0, (whole - value) / perSecond);
}
