import type { GossipState } from "./state.ts";

/**
 * Where some peers are nearer than others, one comparison in so many at the most is with any peer: that is how news crosses a wide topology, and how one is met whose neighbours are all gone.
 * Fewer where the way is so long that more messages would be passed on for those than for all others together.
 */
const FAR_EVERY = 4;

/**
 * Whom to compare with next. Peers are drawn without repetition until each has had its turn, as SWIM probes members (Das et al. 2002, §4.3): whoever can be reached is asked within n - 1 comparisons; within
 * FAR_EVERY times as many, or the links of a way, where most comparisons are with those that messages go no way round to. (That costs a link instead of as many as ways have, which are longer the more agents there are; after
 * Demers et al., §3, "spatial distributions", and Kempe, Kleinberg and Demers 2001.)
 */
export class PeerOrder {
  readonly #state: GossipState;
  /** Those whose turn is still to come are the first of it. */
  #round: Uint16Array = new Uint16Array(0);
  #left = 0;
  #nearRound: number[] = [];
  /** Comparisons since one with any peer. */
  #since = Number.POSITIVE_INFINITY;

  constructor(state: GossipState) {
    this.#state = state;
  }

  /** Only where there are others. first: of a round of all. */
  next(): { readonly peer: number; readonly first: boolean } {
    const { near, meanHops } = this.#state.nearPeers();
    if (near.length > 0 && ++this.#since < Math.max(FAR_EVERY, 1 + Math.round(meanHops)))
      return { peer: this.#nextNear(near), first: false };
    this.#since = 0;
    for (;;) {
      const first = this.#left === 0;
      if (first) this.#begin();
      const peer = this.#round[--this.#left] as number;
      // Whoever went since the round began has no turn any more.
      if (this.#state.isCompared(peer)) return { peer, first };
    }
  }

  /** A new round, shuffled (Fisher–Yates), in as little room as places take. */
  #begin(): void {
    const { random } = this.#state;
    const round = this.#all();
    for (let last = round.length - 1; last > 0; last--) {
      const other = random.int(0, last);
      const held = round[last] as number;
      round[last] = round[other] as number;
      round[other] = held;
    }
    this.#round = round;
    this.#left = round.length;
  }

  #all(): Uint16Array {
    const { roll, self, others } = this.#state;
    if (!roll.unchanged) return roll.present.filter((place) => place !== self);
    const all = this.#round.length === others ? this.#round : new Uint16Array(others);
    for (let at = 0; at < others; at++) all[at] = this.#state.peerAt(at);
    return all;
  }

  #nextNear(near: readonly number[]): number {
    for (;;) {
      if (this.#nearRound.length === 0) this.#nearRound = this.#state.random.shuffled(near);
      const peer = this.#nearRound.pop() as number;
      // Links come and go.
      if (near.includes(peer)) return peer;
    }
  }
}
