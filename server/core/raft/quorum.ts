/** Arithmetic of majorities, pure. In a joint phase both halves must agree (thesis §4.3): the lesser of two indexes, the worse of two votes. */

/** How many of `voters` make a majority. */
export function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/**
 * The largest value that a majority of the voters have reached: of match indexes, what may be committed; of acknowledged rounds,
 * what is confirmed; of times, when a quorum was last heard of. Of nobody: Infinity, as nobody needs to agree.
 * @param values one a voter; sorted in place. By insertion, as there are few and they barely move between calls.
 */
export function reachedByMajority(values: Float64Array): number {
  if (values.length === 0) return Number.POSITIVE_INFINITY;
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

export type VoteResult = "won" | "lost" | "pending";

/** Of one majority. No voters: won. @param voteOf undefined: has not answered. */
export function voteResult(voters: readonly string[], voteOf: (voter: string) => boolean | undefined): VoteResult {
  let granted = 0;
  let refused = 0;
  for (const voter of voters) {
    const vote = voteOf(voter);
    if (vote === true) granted++;
    else if (vote === false) refused++;
  }
  const needed = majorityOf(voters.length);
  if (voters.length === 0 || granted >= needed) return "won";
  return refused > voters.length - needed ? "lost" : "pending";
}

/** Of both majorities of a joint phase. */
export function jointResult(one: VoteResult, other: VoteResult): VoteResult {
  if (one === "lost" || other === "lost") return "lost";
  return one === "won" && other === "won" ? "won" : "pending";
}
