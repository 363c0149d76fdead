import { type Checksum, sameChecksum, withInstead } from "../reconciliation/checksum-tree.ts";
import { compared, opened, placesOf, type Split } from "../reconciliation/comparison.ts";
import { entryChecksum } from "./checksums.ts";
import { MAX_RECENT } from "./limits.ts";
import { everybodyBut, type MemberSet, setOf } from "./member-set.ts";
import { PeerOrder } from "./peer-order.ts";
import type { GossipState } from "./state.ts";
import { offerState } from "./state-transfer.ts";
import type { GossipMessage, Leaf, Operation, Recent } from "./types.ts";
import { VersionVector } from "./version-vector.ts";

type Digest = Extract<GossipMessage, { readonly type: "digest" }>;
type ChecksumMessage = Extract<GossipMessage, { readonly type: "checksum" }>;
type Ranges = Extract<GossipMessage, { readonly type: "ranges" }>;

const AS_FOUNDED = {};

/**
 * Anti-entropy (Demers et al., §1.3), push and pull: two peers tell each other what they have, and then only what differs travels. A delta that brought something is answered with
 * a digest, which brings the next one, or shows that there is none: one at a time is under way.
 *
 * What they have: among few members as vectors. Among more by a checksum, with what changed lately; where that does not explain the difference, by checksums of ranges of members and of their parts, down to
 * the vectors of those that differ (../reconciliation/). The first comparison of each round of all peers is by vectors among many, too: so nothing rests on checksums for good.
 *
 * Two who know of other comings and goings compare vectors, whatever is said: places beyond the end of one's list are passed over, and nothing that is said of all is taken. What they lack of each other makes
 * them know the same.
 */
export class AntiEntropy {
  readonly #state: GossipState;
  readonly #order: PeerOrder;
  #dueMs: number;
  /** To be sent with the next turn, by peer: whether it is an answer. */
  readonly #digests = new Map<number, boolean>();
  /** Of those, to whom all is said. */
  readonly #listed = new Set<number>();
  /** To be answered with what they lack: of these members' operations, or of all. */
  readonly #deltas = new Map<number, ReadonlySet<number> | "all">();
  /** Asked and not answered yet: how much was delivered here when they were. */
  readonly #asked = new Map<number, number>();
  /** Asked at this moment, and not heard of since. */
  readonly #silentSinceMs = new Map<number, number>();
  /** They said that they lacked something when so much was delivered here as is now. */
  readonly #lacked = new Set<number>();
  #lackedAt = 0;

  /** When they last said what they have, of which all is here now; and of which not all is. */
  readonly #sameSinceMs = new Map<number, number>();
  readonly #openSinceMs = new Map<number, number>();

  constructor(state: GossipState) {
    this.#state = state;
    const { random, config, now } = state;
    this.#order = new PeerOrder(state);
    this.#dueMs = now + config.antiEntropyMs * random.float();
  }

  /** When it compares itself with the next one, ms. */
  get dueMs(): number {
    return this.#state.comparesItself ? this.#dueMs : Number.POSITIVE_INFINITY;
  }

  tick(): void {
    const { now, config, random, lastIndex } = this.#state;
    if (now < this.dueMs) return;
    this.#dueMs = now + config.antiEntropyMs * (0.5 + random.float());
    const { peer, first } = this.#order.next();
    this.#digests.set(peer, false);
    if (first) this.#listed.add(peer);
    this.#asked.set(peer, lastIndex);
    if (!this.#silentSinceMs.has(peer)) this.#silentSinceMs.set(peer, now);
  }

  /** Anything that a peer says shows that it can be reached. */
  heard(from: number): void {
    this.#silentSinceMs.delete(from);
  }

  /** Of those that are not known to have everything, some have said what they lack of it, or have left a digest unanswered for a whole round. */
  get someLack(): boolean {
    const { knowledge, now, config, lastIndex, roll } = this.#state;
    const lacks = (peer: number): boolean => roll.counts(peer) && !knowledge.isComplete(peer);
    for (const [peer, sinceMs] of this.#silentSinceMs)
      if (now - sinceMs > config.antiEntropyMs && lacks(peer)) return true;
    if (this.#lackedAt === lastIndex) for (const peer of this.#lacked) if (lacks(peer)) return true;
    return false;
  }

  /** When the peer last said what it has, of which all is here now, ms; -Infinity: never in this life. */
  comparedAtMs(peer: number): number {
    return this.#sameSinceMs.get(peer) ?? Number.NEGATIVE_INFINITY;
  }

  handleDigest(from: number, message: Digest): void {
    const state = this.#state;
    const { knowledge } = state;
    const { answer } = message;
    const { length } = state.members;
    const alike = this.#knowsTheSame(message);
    if ((alike && message.have.length !== length) || message.everywhere.length !== message.have.length) return;
    const have = VersionVector.of(message.have.slice(0, length));
    have.grow(length);
    state.checkOwn(have);
    if (answer) this.#answered(from);
    if (alike) state.checkEverywhere(VersionVector.of(message.everywhere));
    knowledge.heardAll(from, have);
    if (message.have.every((seq, place) => seq === 0 || place < length)) this.#said(from);
    if (alike) {
      state.heardShared(from, have.get(state.self));
      this.#heardOfOthers(message, have);
    }
    if (!answer) {
      this.#answer(from);
      this.#listed.add(from);
    }
    if (!have.covers(state.have)) this.#lacks(from, "all");
    state.trim();
  }

  handleChecksum(from: number, message: ChecksumMessage): void {
    const state = this.#state;
    const { knowledge, members } = state;
    if (!this.#knowsTheSame(message)) {
      this.#askAll(from);
      return;
    }
    const { sum, recent, complete, answer } = message;
    if (recent.some(({ member }) => member >= members.length)) return;
    for (const { member, ...count } of recent) state.heardCount(from, member, count);
    const theirs = new Map(recent.map(({ member, have }) => [member, have]));
    if (!sameChecksum(this.#sumWith(theirs), sum)) {
      this.#tell(from, opened(knowledge.checksums, 1), false);
      return;
    }
    // All that it has is what this agent has, but of those: and so it is of whoever has as much as it.
    if (answer) this.#answered(from);
    knowledge.heardSame(from, theirs);
    state.heardShared(from, theirs.get(state.self) ?? state.have.get(state.self));
    this.#said(from);
    if (complete !== "all") {
      knowledge.manyHeardSame(this.#setOf(complete), theirs);
    } else if (!knowledge.settled || theirs.size > 0) knowledge.manyHeardSame(this.#othersWhoCount(), theirs);
    if (!answer) this.#answer(from);
    const lacked = recent.flatMap(({ member, have }) => (have < state.have.get(member) ? [member] : []));
    if (lacked.length > 0) this.#lacks(from, new Set(lacked));
    state.trim();
  }

  handleRanges(from: number, message: Ranges): void {
    const state = this.#state;
    const { knowledge, members } = state;
    const { splits, leaves, answer } = message;
    if (!this.#knowsTheSame(message)) {
      this.#askAll(from);
      return;
    }
    const differing = compared(knowledge.checksums, splits);
    for (const range of differing.same) {
      const [first, end] = placesOf(range, members.length);
      knowledge.heardSame(from, undefined, first, end);
      if (first <= state.self && state.self < end) state.heardShared(from, state.have.get(state.self));
    }
    this.#tell(from, differing, false);
    if (leaves.length === 0) return;
    const lacked = new Set<number>();
    for (const { index, counts } of leaves) {
      const [first, end] = placesOf({ level: 1, index }, members.length);
      if (counts.length !== end - first) return;
      for (const [at, count] of counts.entries()) {
        state.heardCount(from, first + at, count);
        if (count.have < state.have.get(first + at)) lacked.add(first + at);
      }
    }
    this.#answered(from);
    if (!answer) this.#tell(from, { splits: [], leaves: leaves.map(({ index }) => index) }, true);
    this.#said(from);
    if (lacked.size > 0) this.#lacks(from, lacked);
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
    this.#sendDeltas();
    if (this.#digests.size === 0) return;
    const { few } = this.#state;
    const vectors: [number, boolean][] = [];
    const checksums: [number, boolean][] = [];
    for (const [peer, answer] of this.#digests)
      (few || this.#listed.has(peer) ? vectors : checksums).push([peer, answer]);
    this.#digests.clear();
    this.#listed.clear();
    this.#sendVectors(vectors);
    this.#sendChecksums(checksums);
  }

  #sendDeltas(): void {
    const state = this.#state;
    const { roster, config, knowledge, retained } = state;
    const { maxMessageOperations, maxMessageBytes } = config;
    for (const [peer, of] of this.#deltas) {
      // More may be known of it than it has just said. Of the members that it has said nothing of, nothing is sent.
      const row = knowledge.rowOf(peer);
      const have = of === "all" ? row : state.have.copy();
      if (of !== "all") for (const member of of) have.set(member, row.get(member));
      const { operations, gap } = retained.lacking(have, state.have, maxMessageOperations, maxMessageBytes);
      if (gap && of !== "all") {
        // What to do about that takes all that it has.
        this.#askAll(peer);
      } else if (gap && offerState(state, peer, have)) continue;
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
  }

  #sendVectors(to: readonly (readonly [number, boolean])[]): void {
    if (to.length === 0) return;
    const state = this.#state;
    const { roster, knowledge } = state;
    const have = state.have.listed();
    const everywhere = knowledge.toldEverywhere().listed();
    const complete = knowledge.completeOthers();
    const view = this.#view;
    for (const [peer, answer] of to)
      state.send(peer, { type: "digest", roster, answer, ...view, have, everywhere, complete });
  }

  #sendChecksums(to: readonly (readonly [number, boolean])[]): void {
    if (to.length === 0) return;
    const state = this.#state;
    const { roster, knowledge } = state;
    const everywhere = knowledge.toldEverywhere();
    const recent = knowledge.unsettled(MAX_RECENT).map(
      (member): Recent => ({
        member,
        have: state.have.get(member),
        everywhere: everywhere.get(member),
      }),
    );
    const complete = knowledge.settled ? "all" : knowledge.completeOthers();
    const sum = knowledge.checksums.total;
    const view = this.#view;
    for (const [peer, answer] of to)
      state.send(peer, { type: "checksum", roster, answer, ...view, sum, recent, complete });
  }

  /** Checksums of parts, and what is had in the smallest. */
  #tell(
    peer: number,
    { splits, leaves }: { readonly splits: readonly Split[]; readonly leaves: readonly number[] },
    answer: boolean,
  ): void {
    if (splits.length + leaves.length === 0) return;
    const { roster } = this.#state;
    const listed = leaves.map((index) => this.#leafOf(index));
    this.#state.send(peer, { type: "ranges", roster, answer, ...this.#view, splits, leaves: listed });
  }

  #leafOf(index: number): Leaf {
    const { knowledge, members, have } = this.#state;
    const everywhere = knowledge.toldEverywhere();
    const [first, end] = placesOf({ level: 1, index }, members.length);
    const counts = Array.from({ length: end - first }, (_, at) => ({
      have: have.get(first + at),
      everywhere: everywhere.get(first + at),
    }));
    return { index, counts };
  }

  /** What it knows of who came and went, as messages have it. */
  get #view(): { readonly view?: number } {
    const { view } = this.#state.roll;
    return view === 0 ? AS_FOUNDED : { view };
  }

  /** Of who came and went: what its sender says of all is so for this agent, too. */
  #knowsTheSame({ view = 0 }: { readonly view?: number }): boolean {
    return view === this.#state.roll.view;
  }

  /** It is told all, and is to do the same. */
  #askAll(peer: number): void {
    this.#digests.set(peer, false);
    this.#listed.add(peer);
  }

  /** What one that has so much knows of others. */
  #heardOfOthers({ everywhere, complete }: Digest, have: VersionVector): void {
    const { knowledge, have: ours } = this.#state;
    VersionVector.of(everywhere).visit((origin, seq) => knowledge.heardEverywhere(origin, seq));
    // Of whoever is known to have all that is here, nothing is learnt where that is all there is.
    if (knowledge.settled && ours.covers(have)) return;
    const alike = this.#setOf(complete);
    have.visit((origin, seq) => knowledge.heardOfMany(alike, origin, seq));
  }

  #othersWhoCount(): MemberSet {
    const { roll, members, self } = this.#state;
    return roll.unchanged ? everybodyBut(members.length, self) : roll.others(self);
  }

  /** Of others. Whoever says it may have named places that there are not. */
  #setOf(places: readonly number[]): MemberSet {
    const { members, self } = this.#state;
    return setOf(
      members.length,
      places.filter((place) => place < members.length && place !== self),
    );
  }

  /** Of what this agent has, were it so many of those members'. */
  #sumWith(instead: ReadonlyMap<number, number>): Checksum {
    const { knowledge, have } = this.#state;
    let sum = knowledge.checksums.total;
    for (const [member, seq] of instead)
      sum = withInstead(sum, entryChecksum(member, have.get(member)), entryChecksum(member, seq));
    return sum;
  }

  /** A comparison that this agent asked for is over. */
  #answered(peer: number): void {
    const state = this.#state;
    if (this.#asked.get(peer) === state.lastIndex)
      state.rounds = { ...state.rounds, antiEntropy: state.rounds.antiEntropy + 1 };
    this.#asked.delete(peer);
  }

  /** All that it has is known now. */
  #said(peer: number): void {
    this.#openSinceMs.set(peer, this.#state.now);
    this.#compare(peer);
  }

  #compare(peer: number): void {
    const saidMs = this.#openSinceMs.get(peer);
    if (saidMs === undefined || !this.#state.knowledge.covers(peer)) return;
    this.#sameSinceMs.set(peer, saidMs);
    this.#openSinceMs.delete(peer);
  }

  #lacks(peer: number, of: ReadonlySet<number> | "all"): void {
    const before = this.#deltas.get(peer);
    this.#deltas.set(peer, of === "all" || before === "all" ? "all" : new Set([...(before ?? []), ...of]));
    const { lastIndex } = this.#state;
    if (this.#lackedAt !== lastIndex) this.#lacked.clear();
    this.#lackedAt = lastIndex;
    this.#lacked.add(peer);
  }

  #answer(peer: number): void {
    // One that asks says as much.
    if (!this.#digests.has(peer)) this.#digests.set(peer, true);
  }
}
