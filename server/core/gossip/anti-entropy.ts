import type { GossipState } from "./state.ts";
import { offerState } from "./state-transfer.ts";
import type { GossipMessage, Operation } from "./types.ts";
import { covers } from "./vectors.ts";

/**
 * Anti-entropy (Demers et al., §1.3), push and pull: two peers tell each other what they have, as vectors, and then only what differs travels. A delta that brought something is answered with
 * a digest, which brings the next one, or shows that there is none: one at a time is under way.
 *
 * Peers are drawn without repetition until each has had its turn, as SWIM probes members (Das et al. 2002, §4.3): whoever can be reached is asked within n - 1 rounds.
 */
export class AntiEntropy {
  readonly #state: GossipState;
  #round: number[] = [];
  dueMs: number;
  /** To be sent with the next turn, by peer: whether it is an answer. */
  readonly #digests = new Map<number, boolean>();
  /** To be answered with what they lack. */
  readonly #deltas = new Set<number>();
  /** Asked and not answered yet: how much was delivered here when they were. */
  readonly #asked = new Map<number, number>();
  /** Asked at this moment, and not heard of since. */
  readonly #silentSinceMs = new Map<number, number>();
  /** They last said that they lacked something when so much was delivered here. */
  readonly #lackedAt = new Map<number, number>();

  /** When they last said what they have, of which all is here now; and of which not all is. */
  readonly #sameSinceMs = new Map<number, number>();
  readonly #openSinceMs = new Map<number, number>();

  constructor(state: GossipState) {
    this.#state = state;
    const { peers, random, config, now } = state;
    this.dueMs = peers.length === 0 ? Number.POSITIVE_INFINITY : now + config.antiEntropyMs * random.float();
  }

  tick(): void {
    const { now, config, random, lastIndex } = this.#state;
    if (now < this.dueMs) return;
    this.dueMs = now + config.antiEntropyMs * (0.5 + random.float());
    const peer = this.#nextPeer();
    this.#digests.set(peer, false);
    this.#asked.set(peer, lastIndex);
    if (!this.#silentSinceMs.has(peer)) this.#silentSinceMs.set(peer, now);
  }

  /** Anything that a peer says shows that it can be reached. */
  heard(from: number): void {
    this.#silentSinceMs.delete(from);
  }

  /** Of those that are not known to have everything, some have said what they lack of it, or have left a digest unanswered for a whole round. */
  get someLack(): boolean {
    const { knowledge, now, config, lastIndex, peers } = this.#state;
    return peers.some((peer) => {
      if (knowledge.isComplete(peer)) return false;
      const sinceMs = this.#silentSinceMs.get(peer) ?? now;
      return now - sinceMs > config.antiEntropyMs || this.#lackedAt.get(peer) === lastIndex;
    });
  }

  /** When the peer last said what it has, of which all is here now, ms; -Infinity: never in this life. */
  comparedAtMs(peer: number): number {
    return this.#sameSinceMs.get(peer) ?? Number.NEGATIVE_INFINITY;
  }

  handleDigest(from: number, message: Extract<GossipMessage, { readonly type: "digest" }>): void {
    const state = this.#state;
    const { knowledge } = state;
    const { have, everywhere, complete, answer } = message;
    if (have.length !== state.members.length || everywhere.length !== have.length) return;
    state.checkOwn(have);
    state.checkEverywhere(everywhere);
    if (answer && this.#asked.get(from) === state.lastIndex)
      state.rounds = { ...state.rounds, antiEntropy: state.rounds.antiEntropy + 1 };
    if (answer) this.#asked.delete(from);
    knowledge.heardAll(from, have);
    this.#openSinceMs.set(from, state.now);
    this.#compare(from);
    knowledge.heardEverywhere(everywhere);
    for (const member of complete) if (member < have.length) knowledge.heardAll(member, have);
    if (!answer) this.#answer(from);
    if (!covers(have, state.have)) {
      this.#deltas.add(from);
      this.#lackedAt.set(from, state.lastIndex);
    }
    state.trim();
  }

  handleDelta(from: number, operations: readonly Operation[]): void {
    let received = 0;
    for (const operation of operations) received += this.#state.arrive({ operation, hops: 0, from });
    if (received === 0) return;
    this.#compare(from);
    this.#state.observations.push({ type: "antiEntropy", peer: this.#state.nameOf(from), sent: 0, received });
    this.#answer(from);
  }

  /** What this turn has to say. */
  speak(): void {
    const state = this.#state;
    const { roster, config, knowledge, retained } = state;
    for (const peer of this.#deltas) {
      // More may be known of it than it has just said.
      const have = knowledge.rowOf(peer);
      const { maxMessageOperations, maxMessageBytes } = config;
      const { operations, gap } = retained.lacking(have, state.have, maxMessageOperations, maxMessageBytes);
      if (gap && offerState(state, peer, have)) continue;
      if (operations.length === 0) continue;
      state.send(peer, { type: "delta", roster, operations });
      state.observations.push({
        type: "antiEntropy",
        peer: state.nameOf(peer),
        sent: operations.length,
        received: 0,
      });
    }
    this.#deltas.clear();
    if (this.#digests.size === 0) return;
    const have = state.have.slice();
    const everywhere = knowledge.everywhere();
    const complete = knowledge.completeOthers();
    for (const [peer, answer] of this.#digests)
      state.send(peer, { type: "digest", roster, answer, have, everywhere, complete });
    this.#digests.clear();
  }

  #compare(peer: number): void {
    const saidMs = this.#openSinceMs.get(peer);
    if (saidMs === undefined || !covers(this.#state.have, this.#state.knowledge.rowOf(peer))) return;
    this.#sameSinceMs.set(peer, saidMs);
    this.#openSinceMs.delete(peer);
  }

  #answer(peer: number): void {
    // One that asks says as much.
    if (!this.#digests.has(peer)) this.#digests.set(peer, true);
  }

  #nextPeer(): number {
    if (this.#round.length === 0) this.#round = this.#state.random.shuffled(this.#state.peers);
    return this.#round.pop() as number;
  }
}
