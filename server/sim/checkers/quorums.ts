import type { Configuration } from "../../core/consensus.ts";

/**
 * Whether those that pass are enough to decide: a majority of the voters, and in a joint phase of the outgoing ones too (Ongaro's thesis, §4.3). Counted
 * here on its own: the checkers must not trust the arithmetic of what they check.
 */
export function isQuorum({ voters, outgoing }: Configuration, passes: (id: string) => boolean): boolean {
  return [voters, outgoing].every((half) => half.length === 0 || 2 * half.filter(passes).length > half.length);
}

/** "a1, a2, a3" or, in a joint phase, "a1, a2 and a1, a3, a4". */
export function describeVoters({ voters, outgoing }: Configuration): string {
  return outgoing.length === 0 ? voters.join(", ") : `${outgoing.join(", ")} and ${voters.join(", ")}`;
}
