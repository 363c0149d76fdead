import { sameBytes } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { Journal } from "./journal.ts";
import type { Ordering } from "./ordering.ts";
import type { RequestPool } from "./requests.ts";
import { newViewBytes, orderBytes, viewChangeBytes } from "./signed.ts";

import type { PbftState } from "./state.ts";
import type { PbftMessage, PbftObservation, Reproposal, ViewChange } from "./types.ts";
import { type Beginning, beginningOf, viewChangeProblem } from "./view-change-proof.ts";

type NewView = PbftMessage & { readonly type: "newView" };
type Reason = (PbftObservation & { readonly type: "viewChangeStarted" })["reason"];

/** View changes of one replica that are remembered, besides those that a new view names. */
const MAX_KEPT_EACH = 3;
/** Timeouts double so many times at most. */
const MAX_DOUBLINGS = 4;
/** A primary goes on so many timeouts before it leaves for the sake of a replica that has given up on it. */
const OBLIGING_AFTER = 4;

interface Kept {
  readonly viewChange: ViewChange;
  readonly digest: Uint8Array;
}

/** A new view that cannot be checked yet: view changes are lacking. */
interface Waiting {
  readonly message: NewView;
  /** Who handed it over, and so should have what it names. */
  readonly from: AgentId;
}

/**
 * How replicas leave a primary that does not do its work (OSDI '99, §4.4). Each that gives up says so to all, with proof of all that it prepared; with 2f+1 of those the next primary
 * proposes again what may have been decided, and shows them, so that everybody can check that it left nothing out.
 *
 * Where it differs: the new view names the view changes by digest; the old primary itself may ask for the change, as it could just as well fall silent; and it does so for a replica that was left behind.
 */
export class ViewChanges {
  readonly #state: PbftState;
  readonly #requests: RequestPool;
  readonly #ordering: Ordering;
  readonly #checkpoints: Checkpoints;
  readonly #journal: Journal;
  readonly #kept = new Map<AgentId, Kept[]>();
  /**
   * By its primary the one that came last, and of the others the one of the highest view: one that begins views nobody wants keeps nobody from entering another's, nor, once it
   * is honest again, its own; and an old one that is brought again drives out none of a later view.
   */
  readonly #waiting = new Map<AgentId, readonly Waiting[]>();
  /** The one by which this view was entered: for replicas that missed it. */
  #entered: NewView | undefined;
  /** Views in a row that this replica gave up on without anything having been executed. */
  #failures = 0;
  /** When it gives up on the next view too, ms: from when a quorum wants it. */
  #giveUpMs = Number.POSITIVE_INFINITY;
  /** When the primary was last heard of, and when the view was entered, ms. */
  #heardMs: number;
  #enteredMs: number;

  constructor(
    state: PbftState,
    requests: RequestPool,
    ordering: Ordering,
    checkpoints: Checkpoints,
    journal: Journal,
    now: number,
  ) {
    this.#state = state;
    this.#requests = requests;
    this.#ordering = ordering;
    this.#checkpoints = checkpoints;
    this.#journal = journal;
    this.#heardMs = now;
    this.#enteredMs = now;
  }

  /** Something true came from the primary of this view. */
  heardPrimary(now: number): void {
    this.#heardMs = now;
    if (now - this.#enteredMs > this.#timeoutMs) this.#failures = 0;
  }

  /** Something was executed in this view. */
  progressed(): void {
    if (this.#state.active) this.#failures = 0;
  }

  start(view: number, reason: Reason, now: number): void {
    const state = this.#state;
    if (reason === "timeout" || reason === "badPrimary") this.#failures++;
    state.view = view;
    state.active = false;
    state.viewChanged();
    state.effects.observe({ type: "viewChangeStarted", view, reason });
    this.#giveUpMs = Number.POSITIVE_INFINITY;
    this.#say(now);
  }

  /**
   * A replica that was cut off has given up on this view, and cannot come back to it: what it said when it left may still make up a new view. So the primary leaves
   * too, after a while, and all meet in the next one. Not often, or a liar could keep them changing views.
   */
  leftBehind(now: number): void {
    const { leads, view, config } = this.#state;
    if (leads && now - this.#enteredMs >= OBLIGING_AFTER * config.viewTimeoutMs) this.start(view + 1, "others", now);
  }

  /** After a restart in the midst of a view change: what was said then may not have been heard. */
  resume(now: number): void {
    this.#say(now);
  }

  /** @param from who handed it over: not always whose it is. */
  viewChange(from: AgentId, viewChange: ViewChange, now: number): void {
    const state = this.#state;
    const { view, replica } = viewChange;
    if (replica === state.id || view < state.view) return;
    const digest = state.digestOf(viewChangeBytes(viewChange));
    if (this.#find(replica, view, digest) !== undefined) return;
    const { config, replicas, crypto } = state;
    const problem = viewChangeProblem(viewChange, replicas, crypto, 2 * config.checkpointEvery);
    if (problem !== undefined) {
      state.disbelieve(from, "viewChange", problem);
      return;
    }
    if (!this.#checkpoints.proves(viewChange.stable)) {
      state.disbelieve(from, "viewChange", "badProof");
      return;
    }
    this.#keep(viewChange, digest);
    this.#checkpoints.adopt(viewChange.stable);
    const have = this.#of(view).length;
    state.effects.observe({ type: "viewChangeReceived", view, from: replica, have, needed: replicas.quorum });
    const waiting = this.#waitingFor(view);
    if (waiting !== undefined) this.#check(waiting, now);
    this.#follow(viewChange, now);
    this.#lead(now);
  }

  newView(from: AgentId, message: NewView, now: number): void {
    const state = this.#state;
    const { view, viewChanges, reproposals, signature } = message;
    if (view < state.view || (view === state.view && state.active)) return;
    const primary = state.replicas.primaryOf(view);
    const known = this.#waitingFor(view)?.message;
    if (primary === state.id) return;
    const same = known !== undefined && sameBytes(known.signature, signature);
    if (!same && !state.crypto.verify(primary, newViewBytes(view, viewChanges, reproposals), signature)) {
      state.disbelieve(from, "newView", "badSignature");
      return;
    }
    if (viewChanges.length < state.replicas.quorum) {
      state.disbelieve(primary, "newView", "badProof");
      // Only the view that it waits for: a liar may claim to begin any other one of its own.
      if (view === state.view) this.start(view + 1, "badPrimary", now);
      return;
    }
    const waiting = { message: same ? known : message, from };
    const others = (this.#waiting.get(primary) ?? []).filter((one) => one.message.view !== view);
    const highest = others.reduce<readonly Waiting[]>(
      ([best], one) => [best === undefined || one.message.view > best.message.view ? one : best],
      [],
    );
    this.#waiting.set(primary, [waiting, ...highest]);
    this.#check(waiting, now);
  }

  /** Somebody lacks a view change that it was told of. */
  fetch(from: AgentId, { view, replica }: PbftMessage & { readonly type: "fetchViewChange" }): void {
    for (const { viewChange } of this.#kept.get(replica) ?? [])
      if (viewChange.view === view) this.#state.effects.send(from, { type: "viewChange", viewChange });
  }

  /** What a replica in an earlier view, or still waiting for this one, missed. @param there its view: it may need this replica's word to leave that one, although this one has left it already. */
  sayAgain(to: AgentId, there: number): void {
    const { id, active, effects } = this.#state;
    if (active) {
      if (this.#entered !== undefined) effects.sendDurably(to, this.#entered);
      return;
    }
    for (const { viewChange } of this.#kept.get(id) ?? [])
      if (viewChange.view >= there) effects.sendDurably(to, { type: "viewChange", viewChange });
  }

  /** Asks again for what new views wait for. */
  askAgain(): void {
    for (const waiting of this.#waiting.values()) for (const one of waiting) this.#askFor(one);
  }

  tick(now: number): void {
    const state = this.#state;
    if (now < this.deadline()) return;
    this.start(state.view + 1, "timeout", now);
  }

  /** When this replica gives up on the view, ms. */
  deadline(): number {
    if (!this.#state.active) return this.#giveUpMs;
    if (this.#state.primary === this.#state.id) return Number.POSITIVE_INFINITY;
    return Math.min(this.#heardMs, this.#requests.oldestMs()) + this.#timeoutMs;
  }

  get #timeoutMs(): number {
    return this.#state.config.viewTimeoutMs * (1 << Math.min(this.#failures, MAX_DOUBLINGS));
  }

  /** Tells all that it has given up, and what it knows. */
  #say(now: number): void {
    const state = this.#state;
    const { view, stable, slots, high } = state;
    const prepared = [];
    for (const slot of slots.between(stable.seq + 1, high))
      if (slot.prepared !== undefined) prepared.push(slot.prepared);
    const unsigned = { view, replica: state.id, stable, prepared };
    const bytes = viewChangeBytes(unsigned);
    const digest = state.digestOf(bytes);
    const viewChange: ViewChange = { ...unsigned, signature: state.crypto.sign(bytes) };
    this.#keep(viewChange, digest);
    state.broadcastDurably({ type: "viewChange", viewChange });
    this.#lead(now);
  }

  /** f+1 want later views: one of them is honest, so this replica joins the first of those; and a primary that leaves is let go. */
  #follow({ view, replica }: ViewChange, now: number): void {
    const state = this.#state;
    if (state.active && replica === state.primary && view === state.view + 1) {
      this.start(view, "others", now);
      return;
    }
    const wanted: number[] = [];
    for (const kept of this.#kept.values()) {
      const highest = Math.max(...kept.map((one) => one.viewChange.view));
      if (highest > state.view) wanted.push(highest);
    }
    if (wanted.length >= state.replicas.weak) this.start(Math.min(...wanted), "others", now);
  }

  /**
   * A quorum wants this view: its primary begins it, the others wait for that so long and no longer. Who wants a later one has given up on this one, and says no more that it once wanted it: it
   * counts where others wait, or they would wait for ever.
   */
  #lead(now: number): void {
    const state = this.#state;
    const { view } = state;
    if (state.active) return;
    let wanting = 0;
    for (const kept of this.#kept.values()) if (kept.some(({ viewChange }) => viewChange.view >= view)) wanting++;
    if (wanting >= state.replicas.quorum) this.#giveUpMs = Math.min(this.#giveUpMs, now + this.#timeoutMs);
    const all = this.#of(view);
    if (all.length < state.replicas.quorum || state.primary !== state.id) return;
    const chosen = all.slice(0, state.replicas.quorum);
    const beginning = beginningOf(
      view,
      chosen.map(({ viewChange }) => viewChange),
      state.crypto,
    );
    if (this.#forgets(view, beginning)) return;
    const reproposals = beginning.places.map(({ seq, digest }): Reproposal => {
      return { seq, digest, signature: state.signOrder("prePrepare", view, seq, digest) };
    });
    const viewChanges = chosen.map(({ viewChange: { replica }, digest }) => ({ replica, digest }));
    const signature = state.crypto.sign(newViewBytes(view, viewChanges, reproposals));
    const message: NewView = { type: "newView", view, viewChanges, reproposals, signature };
    state.broadcastDurably(message);
    this.#enter(message, beginning, now);
  }

  /** A new view that waits for nothing any more is entered if it begins with what it must. */
  #check(waiting: Waiting, now: number): void {
    const state = this.#state;
    const { message } = waiting;
    const { view, viewChanges, reproposals } = message;
    const primary = state.replicas.primaryOf(view);
    const shown: ViewChange[] = [];
    for (const { replica, digest } of viewChanges) {
      const kept = this.#find(replica, view, digest);
      if (kept !== undefined) shown.push(kept.viewChange);
    }
    if (shown.length < viewChanges.length) {
      this.#askFor(waiting);
      return;
    }
    this.#stopWaiting((one) => one === waiting);
    const beginning = beginningOf(view, shown, state.crypto);
    if (this.#forgets(view, beginning) || !this.#begins(view, reproposals, beginning)) {
      state.disbelieve(primary, "newView", "wrongProposals");
      this.start(view + 1, "badPrimary", now);
      return;
    }
    state.view = view;
    this.#enter(message, beginning, now);
  }

  #askFor({ message: { view, viewChanges }, from }: Waiting): void {
    for (const { replica, digest } of viewChanges)
      if (this.#find(replica, view, digest) === undefined)
        this.#state.effects.send(from, { type: "fetchViewChange", view, replica });
  }

  #begins(view: number, reproposals: readonly Reproposal[], { places }: Beginning): boolean {
    const { replicas, crypto } = this.#state;
    if (reproposals.length !== places.length) return false;
    const primary = replicas.primaryOf(view);
    return reproposals.every(({ seq, digest, signature }, at) => {
      const place = places[at] as Beginning["places"][number];
      if (place.seq !== seq || !sameBytes(place.digest, digest)) return false;
      return crypto.verify(primary, orderBytes("prePrepare", view, seq, digest), signature);
    });
  }

  /** It lacks what was decided in an earlier view, and is known here with its proof: with no more liars than are survived that cannot be. */
  #forgets(view: number, { stable, places }: Beginning): boolean {
    const { slots } = this.#state;
    for (const { seq, decided } of slots.between(stable.seq + 1, slots.highest)) {
      if (decided === undefined || decided.view >= view) continue;
      const place = places[seq - stable.seq - 1];
      if (place === undefined || !sameBytes(place.digest, decided.digest)) return true;
    }
    return false;
  }

  #enter(message: NewView, { stable, places }: Beginning, now: number): void {
    const state = this.#state;
    const { view, viewChanges, reproposals } = message;
    state.active = true;
    state.viewFloor = Math.max(stable.seq + places.length, state.stable.seq);
    state.proposed = state.viewFloor;
    state.proposedThere = 0;
    state.progressMs = now;
    this.#entered = message;
    this.#stopWaiting((waiting) => waiting.message.view <= view);
    this.#giveUpMs = Number.POSITIVE_INFINITY;
    this.#heardMs = now;
    this.#enteredMs = now;
    state.viewChanged();
    this.#journal.viewEntered();
    state.effects.whenDurable(() => {
      state.durableView = view;
    });
    this.#checkpoints.adopt(stable);
    const by = viewChanges.map(({ replica }) => replica);
    state.effects.observe({ type: "viewEntered", view, primary: state.primary, by, reproposed: places.length });
    this.#requests.viewEntered(now);
    this.#ordering.repropose(reproposals, now);
    this.#requests.takeUp();
    for (const [replica, kept] of this.#kept)
      this.#kept.set(
        replica,
        kept.filter(({ viewChange }) => viewChange.view >= view),
      );
  }

  #keep(viewChange: ViewChange, digest: Uint8Array): void {
    const { replica } = viewChange;
    // The latest views first, and of one view what came first: more accounts of the same do not drive out what others go by.
    const kept = [...(this.#kept.get(replica) ?? []), { viewChange, digest }].sort(
      (a, b) => b.viewChange.view - a.viewChange.view,
    );
    // Besides the one of the view that is waited for, whatever its author claimed before.
    const present = kept.find((one) => one.viewChange.view === this.#state.view);
    this.#kept.set(
      replica,
      kept.filter((one, place) => place < MAX_KEPT_EACH || one === present || this.#names(one)),
    );
  }

  /** Whether a new view that waits, or the one that was entered, goes by it. */
  #names({ viewChange: { replica, view }, digest }: Kept): boolean {
    const newViews = [this.#entered, this.#waitingFor(view)?.message];
    return newViews.some(
      (message) =>
        message?.view === view &&
        message.viewChanges.some((one) => one.replica === replica && sameBytes(one.digest, digest)),
    );
  }

  #waitingFor(view: number): Waiting | undefined {
    return this.#waiting.get(this.#state.replicas.primaryOf(view))?.find(({ message }) => message.view === view);
  }

  #stopWaiting(is: (waiting: Waiting) => boolean): void {
    for (const [primary, waiting] of this.#waiting) {
      const left = waiting.filter((one) => !is(one));
      if (left.length === 0) this.#waiting.delete(primary);
      else this.#waiting.set(primary, left);
    }
  }

  #find(replica: AgentId, view: number, digest: Uint8Array): Kept | undefined {
    return this.#kept.get(replica)?.find((one) => one.viewChange.view === view && sameBytes(one.digest, digest));
  }

  /** One of each replica for this view, by replica. */
  #of(view: number): Kept[] {
    const all: Kept[] = [];
    for (const replica of this.#state.replicas.ids) {
      const kept = this.#kept.get(replica)?.find(({ viewChange }) => viewChange.view === view);
      if (kept !== undefined) all.push(kept);
    }
    return all;
  }
}
