import { sameBytes } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import type { Journal } from "./journal.ts";
import type { RequestPool } from "./requests.ts";
import { batchBytes } from "./signed.ts";
import type { Slot, Vote } from "./slots.ts";
import { nullBatch, type PbftState, shortDigest } from "./state.ts";
import type { Batch, CommitCertificate, PbftMessage, Reproposal, Signed } from "./types.ts";

type Order = PbftMessage & { readonly type: "prepare" | "commit" };

/**
 * The three phases of the normal case (OSDI '99, §4.2). The primary gives a batch a place (pre-prepare); the backups tell each other what they were told (prepare): with 2f of those that agree
 * nothing else can be prepared there in this view. Then each says that it knows that (commit): with 2f+1 of those it stays decided whatever view comes.
 *
 * What is signed is journaled first, and a commit of its own counts only once that is durable: a quorum must be able to remember. Only the primary's pre-prepare does not wait: a primary that
 * crashed does not go on with its view.
 */
export class Ordering {
  readonly #state: PbftState;
  readonly #requests: RequestPool;
  readonly #journal: Journal;
  #lastTimeMs = 0;

  constructor(state: PbftState, requests: RequestPool, journal: Journal) {
    this.#state = state;
    this.#requests = requests;
    this.#journal = journal;
  }

  /** The primary: one batch for all that waits, while there is room. @returns whether it proposed. */
  propose(now: number): boolean {
    const state = this.#state;
    const { config } = state;
    let said = false;
    while (
      state.leads &&
      state.durableView === state.view &&
      this.#requests.queued &&
      this.#inflight < config.maxInflightBatches &&
      state.proposed < state.high
    ) {
      const requests = this.#requests.takeBatch();
      if (requests.length === 0) continue;
      this.#lastTimeMs = Math.max(this.#lastTimeMs, Math.floor(now));
      const batch: Batch = { view: state.view, timeMs: this.#lastTimeMs, requests };
      const seq = state.proposed + 1;
      const digest = state.digestOf(batchBytes(batch));
      const signature = state.signOrder("prePrepare", state.view, seq, digest);
      const slot = state.slots.at(seq);
      state.broadcast({ type: "prePrepare", view: state.view, seq, digest, signature, batch });
      this.#accept(slot, { view: state.view, digest, signature }, batch, now);
      said = true;
    }
    return said;
  }

  prePrepare(from: AgentId, message: PbftMessage & { readonly type: "prePrepare" }, now: number): void {
    const state = this.#state;
    const { view, seq, digest, signature, batch } = message;
    if (view !== state.view || !state.active || state.primary === state.id || !state.inWindow(seq)) return;
    const slot = state.slots.at(seq);
    const accepted = slot.accepted?.view === view ? slot.accepted : undefined;
    if (accepted !== undefined && sameBytes(accepted.digest, digest)) {
      this.received(slot, batch);
      return;
    }
    if (!state.verifyOrder("prePrepare", state.primary, message)) {
      state.disbelieve(from, "prePrepare", "badSignature");
      return;
    }
    if (accepted !== undefined) {
      const first = { digest: accepted.digest, signature: accepted.signature };
      state.caught({
        culprit: state.primary,
        kind: "prePrepare",
        view,
        seq,
        first,
        second: { digest, signature },
      });
      return;
    }
    // What was prepared before stands in the new view's first proposals.
    if (seq <= state.viewFloor) {
      state.disbelieve(from, "prePrepare", "wrongProposals");
      return;
    }
    if (!sameBytes(state.digestOf(batchBytes(batch)), digest)) {
      state.disbelieve(from, "prePrepare", "wrongDigest");
      return;
    }
    // By a clock that stands nothing would ever expire.
    const late = batch.timeMs < now - state.config.maxAheadMs;
    if (late || batch.timeMs > now + state.config.maxAheadMs) {
      state.disbelieve(from, "prePrepare", "badTime");
      return;
    }
    if (batch.view !== view || batch.requests.length === 0) {
      state.disbelieve(from, "prePrepare", "badRequest");
      return;
    }
    for (const request of batch.requests)
      if (!this.#requests.verify(request)) {
        state.disbelieve(from, "prePrepare", "badRequest");
        return;
      }
    this.#accept(slot, { view, digest, signature }, batch, now);
  }

  /** The first proposals of a view that was entered: what may have been decided before. They have been verified. */
  repropose(reproposals: readonly Reproposal[], now: number): void {
    const state = this.#state;
    for (const { seq, digest, signature } of reproposals) {
      if (seq < state.slots.lowest || seq <= state.stable.seq) continue;
      const slot = state.slots.at(seq);
      const fresh = nullBatch(state.view);
      if (slot.batchOf(digest) === undefined && sameBytes(state.digestOf(batchBytes(fresh)), digest))
        slot.keep(digest, fresh);
      this.#accept(slot, { view: state.view, digest, signature }, slot.batchOf(digest), now);
    }
  }

  prepare(from: AgentId, message: Order & { readonly type: "prepare" }): void {
    const state = this.#state;
    const { view, seq } = message;
    if (view < state.view || !state.inWindow(seq)) return;
    const primary = state.replicas.primaryOf(view);
    if (from === primary) {
      state.disbelieve(from, "prepare", "notPrimary");
      return;
    }
    const slot = state.slots.at(seq);
    const { prepared } = slot;
    const settled = prepared?.view === view && sameBytes(prepared.digest, message.digest);
    if (!this.#vote(slot.prepares, from, message, settled, message.prePrepare)) return;
    const vote = slot.prepares.get(from);
    if (vote !== undefined) this.#compare(slot, vote);
    this.#checkPrepared(slot);
  }

  /** Whether the primary told another replica something else than this one, and signed it. */
  #compare({ seq, accepted }: Slot, { view, digest, prePrepare }: Vote): void {
    if (accepted === undefined || accepted.view !== view || prePrepare === undefined) return;
    if (sameBytes(accepted.digest, digest)) return;
    const state = this.#state;
    const culprit = state.replicas.primaryOf(view);
    const second = { digest, signature: prePrepare };
    if (!state.verifyOrder("prePrepare", culprit, { view, seq, ...second })) return;
    const first = { digest: accepted.digest, signature: accepted.signature };
    state.caught({ culprit, kind: "prePrepare", view, seq, first, second });
  }

  commit(from: AgentId, message: Order & { readonly type: "commit" }): void {
    const state = this.#state;
    const { seq } = message;
    if (seq > state.high || seq < state.slots.lowest) return;
    const slot = state.slots.at(seq);
    if (this.#vote(slot.commits, from, message, slot.decided !== undefined)) this.#checkDecided(slot, message);
  }

  /** A decided batch with its proof, from whoever. @returns whether it was believed. */
  decided(from: AgentId, certificate: CommitCertificate, batch: Batch): boolean {
    const state = this.#state;
    const { seq, digest } = certificate;
    if (seq > state.high || seq < state.slots.lowest) return true;
    const slot = state.slots.at(seq);
    // Of what it has executed it needs the proof alone.
    if (seq <= state.executed && slot.decided !== undefined) return true;
    if (!sameBytes(state.digestOf(batchBytes(batch)), digest)) {
      state.disbelieve(from, "decided", "wrongDigest");
      return false;
    }
    if (slot.decided === undefined) {
      if (!this.#proves(certificate)) {
        state.disbelieve(from, "decided", "badProof");
        return false;
      }
      slot.decided = certificate;
    }
    this.received(slot, batch, digest);
    return true;
  }

  /** A batch that was lacking. @param digest absent: to be computed. */
  received(slot: Slot, batch: Batch, digest = this.#state.digestOf(batchBytes(batch))): void {
    if (slot.batchOf(digest) !== undefined) return;
    const wanted = [slot.accepted?.digest, slot.decision].some((one) => one !== undefined && sameBytes(one, digest));
    if (!wanted) return;
    slot.keep(digest, batch);
    this.#journal.batch(slot, digest, batch);
  }

  /** After a restart: what was prepared is said again, as it may not have been heard. */
  resume(): void {
    for (const slot of this.#state.slots.between(this.#state.stable.seq + 1, this.#state.high)) {
      if (slot.prepared?.view === this.#state.view && this.#state.active) this.#commitTo(slot);
    }
  }

  /** This replica's own words on a place, to one that missed them. */
  sayAgain(to: AgentId, slot: Slot): void {
    const { effects, view, id, leads } = this.#state;
    const { accepted } = slot;
    if (accepted === undefined || accepted.view !== view) return;
    const { digest, signature } = accepted;
    const batch = slot.batchOf(digest);
    if (leads && batch !== undefined && slot.seq > this.#state.viewFloor)
      effects.send(to, { type: "prePrepare", view, seq: slot.seq, digest, signature, batch });
    const prepare = slot.prepares.get(id);
    if (prepare !== undefined && prepare.view === view)
      effects.sendDurably(to, { type: "prepare", seq: slot.seq, ...prepare, prePrepare: signature });
    if (slot.ownCommit !== undefined && slot.ownCommit.view === view)
      effects.send(to, { type: "commit", seq: slot.seq, ...slot.ownCommit });
  }

  get #inflight(): number {
    return this.#state.proposed - Math.max(this.#state.executed, this.#state.stable.seq);
  }

  #accept(slot: Slot, accepted: Vote, batch: Batch | undefined, now: number): void {
    const state = this.#state;
    const { view, digest, signature } = accepted;
    const { seq } = slot;
    slot.accepted = accepted;
    if (batch !== undefined) slot.keep(digest, batch);
    this.#journal.accepted(slot);
    state.proposed = Math.max(state.proposed, seq);
    for (const request of batch?.requests ?? []) this.#requests.proposed(request, now);
    const requests = batch?.requests.length ?? 0;
    state.effects.observe({ type: "prePrepared", view, seq, digest: shortDigest(digest), requests });
    // Some may have come before it.
    for (const vote of [...slot.prepares.values()]) this.#compare(slot, vote);
    if (state.primary !== state.id) {
      const own = { view, digest, signature: state.signOrder("prepare", view, seq, digest) };
      slot.prepares.set(state.id, own);
      state.broadcastDurably({ type: "prepare", seq, ...own, prePrepare: signature });
    }
    this.#checkPrepared(slot);
  }

  /** Takes down what a replica said of a place. @param settled it would change nothing. @returns whether it is new, and its signature good. */
  #vote(votes: Map<AgentId, Vote>, from: AgentId, message: Order, settled: boolean, prePrepare?: Uint8Array): boolean {
    const state = this.#state;
    const { type, view, seq, digest, signature } = message;
    const known = votes.get(from);
    if (known !== undefined && known.view > view) return false;
    const same = known !== undefined && known.view === view;
    if (same && sameBytes(known.digest, digest)) return false;
    // One that comes late costs no look at its signature; one that contradicts what was said before does.
    if (settled && !same) return false;
    if (!state.verifyOrder(type, from, message)) {
      state.disbelieve(from, type, "badSignature");
      return false;
    }
    if (same) {
      const first = { digest: known.digest, signature: known.signature };
      state.caught({ culprit: from, kind: type, view, seq, first, second: { digest, signature } });
      return false;
    }
    votes.set(from, { view, digest, signature, ...(prePrepare && { prePrepare }) });
    return true;
  }

  #checkPrepared(slot: Slot): void {
    const state = this.#state;
    const { accepted, seq } = slot;
    if (accepted === undefined || accepted.view !== state.view || !state.active) return;
    if (slot.prepared?.view === accepted.view) return;
    const prepares = this.#matching(slot.prepares, accepted, state.replicas.quorum - 1);
    if (prepares === undefined) return;
    const { view, digest, signature } = accepted;
    slot.prepared = { view, seq, digest, prePrepare: signature, prepares };
    state.prepared = Math.max(state.prepared, seq);
    this.#journal.prepared(slot.prepared);
    const by = [state.primary, ...prepares.map(({ replica }) => replica)].sort();
    state.effects.observe({ type: "prepared", view, seq, by, needed: state.replicas.quorum });
    this.#commitTo(slot);
  }

  #commitTo(slot: Slot): void {
    const state = this.#state;
    const { seq } = slot;
    const { view, digest } = slot.prepared as { readonly view: number; readonly digest: Uint8Array };
    const own = { view, digest, signature: state.signOrder("commit", view, seq, digest) };
    state.broadcastDurably({ type: "commit", seq, ...own });
    state.effects.whenDurable(() => {
      slot.ownCommit = own;
      slot.commits.set(state.id, own);
      this.#checkDecided(slot, own);
    });
  }

  #checkDecided(slot: Slot, { view, digest }: Pick<Vote, "view" | "digest">): void {
    if (slot.decided !== undefined) return;
    const commits = this.#matching(slot.commits, { view, digest }, this.#state.replicas.quorum);
    if (commits !== undefined) slot.decided = { view, seq: slot.seq, digest, commits };
  }

  /** The first `needed` who said this; undefined when they are fewer. */
  #matching(
    votes: ReadonlyMap<AgentId, Vote>,
    of: Pick<Vote, "view" | "digest">,
    needed: number,
  ): Signed[] | undefined {
    const signed: Signed[] = [];
    for (const [replica, { view, digest, signature }] of votes) {
      if (view !== of.view || !sameBytes(digest, of.digest)) continue;
      signed.push({ replica, signature });
      if (signed.length === needed) return signed;
    }
    return undefined;
  }

  #proves({ view, seq, digest, commits }: CommitCertificate): boolean {
    const { replicas } = this.#state;
    const signers = new Set(commits.map(({ replica }) => replica));
    if (signers.size !== commits.length || signers.size < replicas.quorum) return false;
    return commits.every(({ replica, signature }) => {
      return replicas.has(replica) && this.#state.verifyOrder("commit", replica, { view, seq, digest, signature });
    });
  }
}
