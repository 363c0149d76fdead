import type { AgentId } from "../consensus.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { Ordering } from "./ordering.ts";
import type { PbftState } from "./state.ts";
import type { StateTransfer } from "./state-transfer.ts";
import type { PbftMessage } from "./types.ts";
import type { ViewChanges } from "./view-changes.ts";

type Status = PbftMessage & { readonly type: "status" };

/** Places that one answer speaks of, and about the bytes of the batches in it: the rest is asked for again. */
const MAX_PLACES_AN_ANSWER = 32;
const MAX_BYTES_AN_ANSWER = 1024 * 1024;

/**
 * Messages get lost, and replicas sleep. Whoever does not get on says where it is, and the others say again what it misses (TOCS 2002, §5.2). A primary says the
 * same from time to time, so that its silence means something.
 */
export class CatchUp {
  readonly #state: PbftState;
  readonly #ordering: Ordering;
  readonly #checkpoints: Checkpoints;
  readonly #views: ViewChanges;
  readonly #transfer: StateTransfer;
  /** How far others said to be, and in which view. */
  readonly #executedThere = new Map<AgentId, number>();
  readonly #viewThere = new Map<AgentId, number>();
  /** When each was last answered, ms. */
  readonly #answeredMs = new Map<AgentId, number>();
  /** When this replica last asked, and last said anything to all as a primary, ms. */
  #askedMs: number;
  #saidMs: number;
  /** Up to here all that was executed and stands in this view is proved. */
  #proved = { view: -1, upTo: 0 };

  constructor(
    state: PbftState,
    ordering: Ordering,
    checkpoints: Checkpoints,
    views: ViewChanges,
    transfer: StateTransfer,
    now: number,
  ) {
    this.#state = state;
    this.#ordering = ordering;
    this.#checkpoints = checkpoints;
    this.#views = views;
    this.#transfer = transfer;
    this.#askedMs = now;
    this.#saidMs = now;
  }

  /** As a primary, it has just proposed something to all. */
  said(now: number): void {
    this.#saidMs = now;
  }

  status(from: AgentId, message: Status, now: number): void {
    const { view, active, primary, config } = this.#state;
    this.#executedThere.set(from, message.executed);
    this.#viewThere.set(from, message.active ? message.view : 0);
    if (message.active && active && message.view === view && from === primary) {
      this.#views.heardPrimary(now);
      this.#state.proposedThere = Math.max(this.#state.proposedThere, message.proposed);
    }
    if (!message.active && message.view === view + 1) this.#views.leftBehind(now);
    const answeredMs = this.#answeredMs.get(from) ?? Number.NEGATIVE_INFINITY;
    if (!message.asks || now - answeredMs < config.heartbeatMs / 2) return;
    this.#answeredMs.set(from, now);
    this.#answer(from, message);
  }

  fetchBatch(from: AgentId, { seq, digest }: PbftMessage & { readonly type: "fetchBatch" }): void {
    const batch = this.#state.slots.get(seq)?.batchOf(digest);
    if (batch !== undefined) this.#state.effects.send(from, { type: "batch", seq, batch });
  }

  batch({ seq, batch }: PbftMessage & { readonly type: "batch" }): void {
    const slot = this.#state.slots.get(seq);
    if (slot !== undefined) this.#ordering.received(slot, batch);
  }

  tick(now: number): void {
    const state = this.#state;
    if (now >= this.#askMs()) {
      this.#askedMs = now;
      this.#say(true);
      this.#views.askAgain();
      this.#askForBatches();
      const { executed, stable, config } = state;
      const forgotten = executed < stable.seq - config.checkpointEvery;
      const stuck = this.#isBehind && now - state.progressMs >= 2 * this.#retryMs;
      if (forgotten || stuck) this.#transfer.begin(now);
    }
    if (now >= this.#sayMs()) {
      this.#saidMs = now;
      this.#say(false);
    }
  }

  deadline(): number {
    return Math.min(this.#askMs(), this.#sayMs());
  }

  get #retryMs(): number {
    return 2 * this.#state.config.heartbeatMs;
  }

  /** When it asks, ms: never while it lacks nothing. */
  #askMs(): number {
    if (!this.#lacks) return Number.POSITIVE_INFINITY;
    return Math.max(this.#state.progressMs, this.#askedMs) + this.#retryMs;
  }

  #sayMs(): number {
    return this.#state.leads ? this.#saidMs + this.#state.config.heartbeatMs : Number.POSITIVE_INFINITY;
  }

  get #lacks(): boolean {
    return this.#isBehind || this.#unproved !== undefined;
  }

  /** It takes part in no view, or others may have executed what it has not. */
  get #isBehind(): boolean {
    const { active, view, executed, proposed, proposedThere, stable } = this.#state;
    if (!active || executed < proposed || executed < proposedThere || executed < stable.seq) return true;
    for (const there of this.#executedThere.values()) if (there > executed) return true;
    // Views are entered also where there is nothing to execute.
    for (const there of this.#viewThere.values()) if (there > view) return true;
    return false;
  }

  /**
   * The first place that was executed here, is proposed again in this view, and has no proof: its certificate went with an earlier life. Whoever has not executed it needs this
   * replica's commit, and that takes others' prepares.
   */
  get #unproved(): number | undefined {
    const { active, view, stable, executed, slots } = this.#state;
    if (!active) return undefined;
    if (this.#proved.view !== view) this.#proved = { view, upTo: stable.seq };
    const proved = this.#proved;
    proved.upTo = Math.max(proved.upTo, stable.seq);
    // What has its proof keeps it: no place is looked at again.
    for (; proved.upTo < executed; proved.upTo++) {
      const slot = slots.get(proved.upTo + 1);
      if (slot?.decided === undefined && slot?.accepted?.view === view) return slot.seq;
    }
    return undefined;
  }

  #say(asks: boolean): void {
    const { view, active, stable, proposed, executed: all } = this.#state;
    // Others answer with what comes after.
    const executed = asks ? Math.min(all, (this.#unproved ?? Number.POSITIVE_INFINITY) - 1) : all;
    this.#state.broadcast({ type: "status", view, active, stable: stable.seq, executed, proposed, asks });
  }

  /** Decided or proposed again here, and only its digest is known. */
  #askForBatches(): void {
    const state = this.#state;
    for (const slot of state.slots.between(state.executed + 1, state.executed + MAX_PLACES_AN_ANSWER)) {
      const digest = slot.decision ?? slot.accepted?.digest;
      if (digest !== undefined && slot.batchOf(digest) === undefined)
        state.broadcast({ type: "fetchBatch", seq: slot.seq, digest });
    }
  }

  #answer(to: AgentId, { view, active, executed }: Status): void {
    const state = this.#state;
    if (view < state.view || (view === state.view && !active)) this.#views.sayAgain(to, view);
    this.#checkpoints.sayAgain(to);
    let bytes = 0;
    for (const slot of state.slots.between(executed + 1, executed + MAX_PLACES_AN_ANSWER)) {
      const { decided } = slot;
      const batch = decided && slot.batchOf(decided.digest);
      if (decided === undefined || batch === undefined) {
        this.#ordering.sayAgain(to, slot);
        continue;
      }
      state.effects.send(to, { type: "decided", certificate: decided, batch });
      for (const { commands } of batch.requests) for (const { length } of commands) bytes += length;
      if (bytes > MAX_BYTES_AN_ANSWER) return;
    }
  }
}
