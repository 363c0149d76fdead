import { joinBytes, MalformedBytes } from "../bytes.ts";
import { decodeState, type State } from "./journal.ts";
import { MAX_STATE_BYTES } from "./limits.ts";
import type { GossipState } from "./state.ts";
import type { GossipMessage } from "./types.ts";
import { sumOf } from "./vectors.ts";
import { VersionVector } from "./version-vector.ts";

type Part = Extract<GossipMessage, { readonly type: "state" }>;

/** Rounds of anti-entropy after which another's state is taken instead of one that does not go on, and commands are taken again. */
const PATIENCE_ROUNDS = 4;

/**
 * To a peer that lacks what is not kept any more. It must have nothing that the state does not have: what it has besides it sends first, as any peer does. Where that is only what it
 * issued lately itself, the first part tells it to issue no more until it has caught up, and a newer snapshot is made.
 * @param have what it has. @returns whether it is offered.
 */
export function offerState(state: GossipState, peer: number, have: VersionVector): boolean {
  const { base } = state;
  const covered = base?.have.covers(have) === true;
  if (!covered && state.have.covers(have)) state.wantsCheckpoint = true;
  const othersOnly = have.copy();
  othersOnly.set(peer, 0);
  if (base === undefined || !base.have.covers(othersOnly)) return false;
  state.observations.push({
    type: "snapshotSending",
    term: 0,
    to: state.nameOf(peer),
    index: base.index,
    bytes: base.data.length,
  });
  sendPart(state, peer, 0);
  return covered;
}

/** It has so many bytes of that state: the next part, or the first one of a newer state. */
export function handleStateReply(
  state: GossipState,
  from: number,
  { index, offset }: Extract<GossipMessage, { readonly type: "stateReply" }>,
): void {
  const { base, knowledge } = state;
  if (base === undefined || !base.have.covers(knowledge.rowOf(from))) return;
  if (base.index !== index) sendPart(state, from, 0);
  else if (offset < base.data.length) sendPart(state, from, offset);
}

function sendPart(state: GossipState, peer: number, offset: number): void {
  const { base, roster, config } = state;
  if (base === undefined) return;
  const data = base.data.subarray(offset, offset + config.maxChunkBytes);
  state.send(peer, { type: "state", roster, index: base.index, totalBytes: base.data.length, offset, data });
}

/** A state on its way here, part by part: each asks for the next. */
export class StateTransfer {
  readonly #state: GossipState;
  #coming: { readonly from: number; readonly index: number; readonly totalBytes: number } | undefined;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #heardMs = Number.NEGATIVE_INFINITY;

  constructor(state: GossipState) {
    this.#state = state;
  }

  /** It was told that it lacks what it can only get with a state, and has not given up on that. */
  get active(): boolean {
    return this.#state.now - this.#heardMs <= PATIENCE_ROUNDS * this.#state.config.antiEntropyMs;
  }

  handlePart(from: number, part: Part): void {
    const state = this.#state;
    const { index, totalBytes, offset, data } = part;
    if (index <= state.lastIndex || data.length === 0 || totalBytes > MAX_STATE_BYTES) return;
    if (!this.#continues(from, part)) {
      // From the same one: it has a newer snapshot now.
      if (offset !== 0 || (this.#coming !== undefined && this.active && this.#coming?.from !== from)) return;
      this.#coming = { from, index, totalBytes };
      this.#parts = [];
      this.#bytes = 0;
    }
    const isNext = offset === this.#bytes && offset + data.length <= totalBytes;
    // It began again, as a part was lost: it goes on where that was.
    if (!isNext && offset !== 0) return;
    this.#heardMs = state.now;
    if (isNext) {
      this.#parts.push(data.slice());
      this.#bytes += data.length;
    }
    if (this.#bytes < totalBytes)
      state.send(from, { type: "stateReply", roster: state.roster, index, offset: this.#bytes });
    else this.#complete(from, index);
  }

  #continues(from: number, { index, totalBytes }: Part): boolean {
    const coming = this.#coming;
    return coming?.from === from && coming.index === index && coming.totalBytes === totalBytes;
  }

  #complete(from: number, index: number): void {
    const state = this.#state;
    const data = joinBytes(this.#parts);
    const read = readState(data);
    // Of a clock too far ahead: it is looked at again when it is offered again.
    if (read !== undefined && state.stamps.believedAtMs(read.lastStamp) > state.now) return;
    this.#coming = undefined;
    this.#parts = [];
    this.#bytes = 0;
    if (read === undefined || read.roster !== state.roster || read.have.length > state.members.length) return;
    // It may have got or issued something meanwhile.
    if (sumOf(read.have) !== index || !VersionVector.of(read.have).covers(state.have)) return;
    state.install(read, data, from);
    this.#heardMs = Number.NEGATIVE_INFINITY;
  }
}

function readState(data: Uint8Array): State | undefined {
  try {
    return decodeState(data);
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}
