/** Arithmetic of majorities, pure. A joint configuration (thesis §4.3) will take the lesser of two answers. */

/** How many of `voters` make a majority. */
export function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/**
 * The largest value that a majority of the voters have reached: of match indexes, what may be committed; of acknowledged rounds,
 * what is confirmed; of times, when a quorum was last heard of.
 * @param values one a voter; sorted in place. By insertion, as there are few and they barely move between calls.
 */
export function reachedByMajority(values: Float64Array): number {
  for (let at = 1; at < values.length; at++) {
    const value = values[at] as number;
    let hole = at;
    while (hole > 0 && (values[hole - 1] as number) > value) {
      values[hole] = values[hole - 1] as number;
      hole--;
    }
    values[hole] = value;
  }
  return values[values.length - majorityOf(values.length)] as number;
}
