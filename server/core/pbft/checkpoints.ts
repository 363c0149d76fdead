import { sameBytes } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import type { Journal } from "./journal.ts";
import { encodeHead, encodeReplicated } from "./replicated-state.ts";
import { checkpointBytes } from "./signed.ts";

import { type PbftState, shortDigest } from "./state.ts";
import type { CheckpointCertificate, PbftMessage } from "./types.ts";

/** Checkpoints of one replica that are remembered while they are not stable: a replica that is behind hears of later ones than its own. */
const MAX_HEARD_EACH = 4;

interface Taken {
  readonly seq: number;
  readonly index: number;
  readonly head: Uint8Array;
}

/** A state taken here. */
export interface OwnCheckpoint {
  readonly seq: number;
  readonly index: number;
  readonly digest: Uint8Array;
  readonly bytes: Uint8Array;
}

interface Heard {
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Every so many sequence numbers all replicas take a checkpoint of the same state and sign its digest. With 2f+1 that agree it is stable: what led to it need
 * not be kept, and the window of sequence numbers moves on (OSDI '99, §4.3).
 */
export class Checkpoints {
  readonly #state: PbftState;
  readonly #journal: Journal;
  /** Executed up to there; the machine's snapshot is being made. */
  readonly #awaited: Taken[] = [];
  /** The last entry of a state that came from another replica: snapshots of what was here before it are wanted no more. */
  #installedIndex = -1;
  /** The latest taken here, oldest first: not older than the stable one. */
  #own: OwnCheckpoint[] = [];
  readonly #heard = new Map<AgentId, Map<number, Heard>>();

  constructor(state: PbftState, journal: Journal) {
    this.#state = state;
    this.#journal = journal;
  }

  /** A sequence number was executed. @returns whether a checkpoint is to be taken after it. */
  executed(seq: number): boolean {
    if (!this.#state.endsInCheckpoint(seq)) return false;
    const { lastIndex: index, lastTerm: term, lastTimeMs: timeMs, table } = this.#state;
    this.#awaited.push({ seq, index, head: encodeHead({ seq, index, term, timeMs, table }) });
    return true;
  }

  /** The machine's snapshot that was asked for. @throws InvariantViolation unless it is of the entry after which it was asked for. */
  taken(index: number, machine: Uint8Array): void {
    // It may have been finished in the very turn in which the state was replaced.
    if (index <= this.#installedIndex && this.#awaited[0]?.index !== index) return;
    const awaited = this.#awaited.shift();
    invariant(awaited !== undefined, `no snapshot was asked for after entry ${index}`);
    invariant(awaited.index === index, `a snapshot after entry ${index}, not ${awaited.index} as was asked for`);
    const state = this.#state;
    const bytes = encodeReplicated(awaited.head, machine);
    const { seq } = awaited;
    const own = { seq, index, digest: state.digestOf(bytes), bytes };
    state.effects.observe({
      type: "checkpointTaken",
      seq,
      index,
      digest: shortDigest(own.digest),
      bytes: bytes.length,
    });
    if (seq < state.stable.seq) return;
    this.#own.push(own);
    if (seq === state.stable.seq) {
      this.#compare(own);
      this.#compact();
      return;
    }
    // What was decided up to there is journaled first: were it lost everywhere in a crash, nobody would have the state that a quorum signed.
    state.effects.whenDurable(() => this.#sign(own));
  }

  #sign({ seq, digest }: OwnCheckpoint): void {
    const state = this.#state;
    if (seq <= state.stable.seq) return;
    const signature = state.crypto.sign(checkpointBytes(seq, digest));
    this.#hear(state.id, seq, { digest, signature });
    state.broadcast({ type: "checkpoint", seq, digest, signature });
    this.#check(seq, digest);
  }

  received(from: AgentId, { seq, digest, signature }: PbftMessage & { readonly type: "checkpoint" }): void {
    const state = this.#state;
    if (seq <= state.stable.seq || !state.endsInCheckpoint(seq)) return;
    const known = this.#heard.get(from)?.get(seq);
    if (known !== undefined && sameBytes(known.digest, digest)) return;
    if (!state.crypto.verify(from, checkpointBytes(seq, digest), signature)) {
      state.disbelieve(from, "checkpoint", "badSignature");
      return;
    }
    if (known !== undefined) {
      state.caught({
        culprit: from,
        kind: "checkpoint",
        view: 0,
        seq,
        first: known,
        second: { digest, signature },
      });
      return;
    }
    this.#hear(from, seq, { digest, signature });
    this.#check(seq, digest);
  }

  /** Whether 2f+1 replicas signed it. */
  proves({ seq, digest, checkpoints }: CheckpointCertificate): boolean {
    if (seq === 0) return true;
    const { replicas, crypto } = this.#state;
    const signers = new Set(checkpoints.map(({ replica }) => replica));
    if (signers.size !== checkpoints.length || signers.size < replicas.quorum) return false;
    const bytes = checkpointBytes(seq, digest);
    return checkpoints.every(
      ({ replica, signature }) => replicas.has(replica) && crypto.verify(replica, bytes, signature),
    );
  }

  /** A checkpoint that is stable, proved. */
  adopt(certificate: CheckpointCertificate): void {
    const state = this.#state;
    if (certificate.seq <= state.stable.seq) return;
    state.stable = certificate;
    const { seq, checkpoints } = certificate;
    state.effects.observe({ type: "checkpointStable", seq, by: checkpoints.map(({ replica }) => replica) });
    this.#journal.stable(certificate);
    state.proposed = Math.max(state.proposed, seq);
    for (const heard of this.#heard.values()) for (const at of heard.keys()) if (at <= seq) heard.delete(at);
    state.trimSlots();
    this.#own = this.#own.filter((one) => one.seq >= seq);
    const own = this.#own[0];
    if (own === undefined || own.seq !== seq) return;
    this.#compare(own);
    this.#compact();
  }

  /** The state that the journal begins with. */
  restored(own: OwnCheckpoint): void {
    this.#own = [own];
    if (own.seq === this.#state.stable.seq) this.#compare(own);
  }

  /** The state came from another replica: it stands for a checkpoint taken here. */
  installed(own: OwnCheckpoint): void {
    this.#awaited.length = 0;
    this.#installedIndex = own.index;
    this.#own = [own];
    this.#state.stableIndex = own.index;
    this.#journal.beginAnew(own.bytes);
  }

  /** The stable one's state, if it was taken here. */
  get stableState(): OwnCheckpoint | undefined {
    return this.#own.find(({ seq }) => seq === this.#state.stable.seq);
  }

  /** This replica's own words on checkpoints, to one that missed them. */
  sayAgain(to: AgentId): void {
    const { id, effects, stable } = this.#state;
    for (const [seq, { digest, signature }] of this.#heard.get(id) ?? [])
      effects.send(to, { type: "checkpoint", seq, digest, signature });
    const own = stable.checkpoints.find(({ replica }) => replica === id);
    if (own !== undefined)
      effects.send(to, { type: "checkpoint", seq: stable.seq, digest: stable.digest, signature: own.signature });
  }

  #hear(from: AgentId, seq: number, heard: Heard): void {
    const all = this.#heard.get(from) ?? new Map<number, Heard>();
    all.set(seq, heard);
    if (all.size > MAX_HEARD_EACH) all.delete(Math.min(...all.keys()));
    this.#heard.set(from, all);
  }

  #check(seq: number, digest: Uint8Array): void {
    const { replicas } = this.#state;
    const checkpoints = [];
    for (const replica of replicas.ids) {
      const heard = this.#heard.get(replica)?.get(seq);
      if (heard !== undefined && sameBytes(heard.digest, digest))
        checkpoints.push({ replica, signature: heard.signature });
    }
    if (checkpoints.length >= replicas.quorum) this.adopt({ seq, digest, checkpoints });
  }

  #compare(own: OwnCheckpoint): void {
    const same = sameBytes(own.digest, this.#state.stable.digest);
    invariant(same, `its state after sequence number ${own.seq} is the one that a quorum signed`);
    this.#state.stableIndex = own.index;
  }

  #compact(): void {
    const { effects, config } = this.#state;
    const own = this.stableState;
    if (own !== undefined && effects.journalBytes >= config.compactJournalBytes) this.#journal.beginAnew(own.bytes);
  }
}
