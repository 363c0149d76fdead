import type { Entry, Outgoing, Snapshot } from "../../../server/core/consensus.ts";
import { Raft } from "../../../server/core/raft/raft.ts";
import type {
  HardState,
  RaftConfig,
  RaftMessage,
  RaftObservation,
  RaftReady,
  RaftStatus,
} from "../../../server/core/raft/types.ts";
import { seededRandom } from "../../../server/core/random.ts";

const NOTHING: RaftReady = {
  messages: [],
  messagesAfterPersist: [],
  committed: [],
  reads: [],
  failedReads: [],
  droppedProposals: [],
  observations: [],
};

export function entry(index: number, term: number, text = "", timeMs = 0): Entry {
  return { index, term, kind: text === "" ? 0 : 1, timeMs, data: bytes(text) };
}

/** A log from its terms: the first entry has the first term. */
export function logOf(...terms: readonly number[]): Entry[] {
  return terms.map((term, at) => entry(at + 1, term, `${at + 1}`));
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

export interface Given {
  readonly voters?: readonly string[];
  readonly hardState?: Partial<HardState>;
  readonly log?: readonly Entry[];
  readonly snapshot?: Snapshot;
  readonly config?: Partial<RaftConfig>;
}

/** One agent, "a", whose peers and disk are the test. */
export class SubjectAgent {
  readonly raft: Raft;
  now = 10_000;
  readonly #peers: readonly string[];
  #unsynced: { readonly id: number; readonly messages: readonly Outgoing<RaftMessage>[] }[] = [];

  constructor({ voters = ["a", "b", "c"], hardState = {}, log = [], snapshot, config = {} }: Given = {}) {
    this.#peers = voters.filter((id) => id !== "a");
    const lastTerm = log.at(-1)?.term ?? snapshot?.term ?? 0;
    this.raft = new Raft(
      {
        id: "a",
        voters,
        electionTimeoutMinMs: 100,
        electionTimeoutMaxMs: 200,
        heartbeatMs: 20,
        maxInflightAppends: 3,
        maxAppendBytes: 100,
        maxUncommittedBytes: 1000,
        ...config,
      },
      {
        hardState: { term: lastTerm, votedFor: "", commit: 0, ...hardState },
        entries: log,
        ...(snapshot === undefined ? {} : { snapshot }),
      },
      seededRandom("subject"),
      this.now,
    );
  }

  get status(): RaftStatus {
    return this.raft.status();
  }

  step(from: string, message: RaftMessage): void {
    this.raft.step(from, message, this.now);
  }

  propose(...texts: readonly string[]): void {
    this.raft.propose(texts.map(bytes), this.now);
  }

  read(readId: number): void {
    this.raft.read(readId, this.now);
  }

  /** A turn whose batch stays unsynced until `sync`. */
  turn(): RaftReady {
    const ready = this.raft.take(this.now) ?? NOTHING;
    if (ready.persist !== undefined)
      this.#unsynced.push({ id: ready.persist.id, messages: ready.messagesAfterPersist });
    return ready;
  }

  /** All batches taken so far become durable. */
  sync(): void {
    const last = this.#unsynced.at(-1);
    this.#unsynced = [];
    if (last !== undefined) this.raft.persisted(last.id, this.now);
  }

  /** Turns and syncs until nothing is left to do; everything that left and happened, in order. */
  settle(): RaftReady {
    let all = NOTHING;
    for (;;) {
      const ready = this.raft.take(this.now);
      if (ready === undefined) return all;
      if (ready.persist !== undefined) this.raft.persisted(ready.persist.id, this.now);
      const install = ready.install ?? all.install;
      all = {
        ...(install === undefined ? {} : { install }),
        messages: [...all.messages, ...ready.messages, ...ready.messagesAfterPersist],
        messagesAfterPersist: [],
        committed: [...all.committed, ...ready.committed],
        reads: [...all.reads, ...ready.reads],
        failedReads: [...all.failedReads, ...ready.failedReads],
        droppedProposals: [...all.droppedProposals, ...ready.droppedProposals],
        observations: [...all.observations, ...ready.observations],
      };
    }
  }

  /** Lets the time until the next deadline pass. */
  timeOut(): void {
    this.now = this.raft.deadline();
    this.raft.tick(this.now);
  }

  /** Lets time pass, with a tick at every deadline on the way. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const deadline = this.raft.deadline();
      if (deadline > end) break;
      this.now = Math.max(this.now, deadline);
      this.raft.tick(this.now);
    }
    this.now = end;
    this.raft.tick(end);
  }

  /** Makes it the leader of the next term, whose noop every peer has acknowledged if `acknowledged`. */
  lead(acknowledged = true): this {
    this.settle();
    this.timeOut();
    this.settle();
    const peers = this.#peers;
    const term = this.status.term + 1;
    for (const peer of peers) this.step(peer, { type: "preVoteReply", term, granted: true });
    this.settle();
    for (const peer of peers) this.step(peer, { type: "voteReply", term, granted: true });
    this.settle();
    if (!acknowledged) return this;
    for (const peer of peers) this.acknowledge(peer);
    this.settle();
    return this;
  }

  /** Makes it a follower of `leader` in a term. */
  follow(leader = "b", term = Math.max(1, this.status.term)): this {
    this.step(leader, { type: "heartbeat", term, commit: 0, round: 0 });
    this.settle();
    return this;
  }

  /** A peer acknowledges up to an index, the last one if not said. */
  acknowledge(peer: string, index = this.status.lastIndex): void {
    this.step(peer, { type: "appendReply", term: this.status.term, accepted: true, index, hintTerm: 0 });
  }
}

export function types(messages: readonly Outgoing<RaftMessage>[]): string[] {
  return messages.map(({ to, message }) => `${message.type}>${to}`);
}

/** Messages of one type, as they are. */
export function only<Type extends RaftMessage["type"]>(
  messages: readonly Outgoing<RaftMessage>[],
  type: Type,
  to?: string,
): Extract<RaftMessage, { readonly type: Type }>[] {
  return messages
    .filter((outgoing) => outgoing.message.type === type && (to === undefined || outgoing.to === to))
    .map(({ message }) => message as Extract<RaftMessage, { readonly type: Type }>);
}

export function observed<Type extends RaftObservation["type"]>(
  ready: RaftReady,
  type: Type,
): Extract<RaftObservation, { readonly type: Type }>[] {
  return ready.observations.filter((observation) => observation.type === type) as Extract<
    RaftObservation,
    { readonly type: Type }
  >[];
}
