/**
 * Who confirms one suspicion, by own evidence: bit `place` stands for the member at that place in the roster. Never changed, and merged by union (`|`),
 * which is commutative, associative and idempotent, so that it does not matter in what order, over which way and how often confirmations come.
 */
export type Confirmers = bigint;

export const NOBODY: Confirmers = 0n;

export function confirmersAt(places: readonly number[]): Confirmers {
  let confirmers = NOBODY;
  for (const place of places) confirmers |= 1n << BigInt(place);
  return confirmers;
}

/** In roster order. */
export function placesOf(confirmers: Confirmers): number[] {
  const places: number[] = [];
  for (let place = 0, rest = confirmers; rest !== NOBODY; place++, rest >>= 1n)
    if ((rest & 1n) !== 0n) places.push(place);
  return places;
}

/** More than half. Two groups of members without a member in common can never both be one. @param members as many as there are */
export function isQuorum(confirming: number, members: number): boolean {
  return confirming * 2 > members;
}
