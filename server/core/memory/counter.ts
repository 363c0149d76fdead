/**
 * A counter that goes up and down, operation by operation (Shapiro et al. 2011, §3.1): what was added and what was taken away are summed apart, so that each sum only grows. Increments
 * commute, as sums do. That none counts twice is not this one's business: see once.ts.
 */
export interface Counter {
  readonly added: number;
  readonly taken: number;
  /** The greatest stamp of its increments. */
  readonly version: number;
}

/** A sum that would be larger stays this: whole numbers up to here are exact, and staying is the same in whatever order. */
const MOST = Number.MAX_SAFE_INTEGER;

/** @param first false: this increment has counted before; only its stamp may be a greater one. */
export function incremented(before: Counter | undefined, by: number, stamp: number, first: boolean): Counter {
  const { added = 0, taken = 0, version = 0 } = before ?? {};
  return {
    added: Math.min(MOST, added + (first ? Math.max(0, by) : 0)),
    taken: Math.min(MOST, taken + (first ? Math.max(0, -by) : 0)),
    version: Math.max(version, stamp),
  };
}

export function totalOf({ added, taken }: Counter): number {
  return added - taken;
}
