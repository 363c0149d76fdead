import type { AgentId, Entry, Outgoing, Snapshot } from "../../../server/core/consensus.ts";
import { Pbft, type RestoredJournal } from "../../../server/core/pbft/pbft.ts";
import { encodeHead, encodeReplicated } from "../../../server/core/pbft/replicated-state.ts";
import { RequestTable } from "../../../server/core/pbft/request-table.ts";
import {
  batchBytes,
  checkpointBytes,
  newViewBytes,
  orderBytes,
  readReplyBytes,
  requestBytes,
  viewChangeBytes,
} from "../../../server/core/pbft/signed.ts";
import { GENESIS, nullBatch } from "../../../server/core/pbft/state.ts";
import type {
  Batch,
  CheckpointCertificate,
  OnceSigned,
  PbftConfig,
  PbftHardState,
  PbftMessage,
  PbftObservation,
  PbftReady,
  PreparedCertificate,
  Request,
  ViewChange,
} from "../../../server/core/pbft/types.ts";
import { cryptoOf } from "./cluster.ts";

export type Of<Type extends PbftMessage["type"]> = PbftMessage & { readonly type: Type };
export type Seen<Type extends PbftObservation["type"]> = PbftObservation & { readonly type: Type };

export const REPLICAS = ["a", "b", "c", "d"] as const;
export const VIEW_TIMEOUT_MS = 200;
export const HEARTBEAT_MS = 20;
const { digest } = cryptoOf("a");

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** What an agent asks for, signed by it. */
export function request(origin: AgentId, number: number, ...texts: readonly string[]): Request {
  const unsigned = { origin, life: 1, number, floor: 1, commands: texts.map(bytes) };
  return { ...unsigned, signature: cryptoOf(origin).sign(requestBytes(unsigned)) };
}

export function batchOf(view: number, ...requests: readonly Request[]): Batch {
  return { view, timeMs: 10_000, requests };
}

export function digestOf(batch: Batch): Uint8Array {
  return digest(batchBytes(batch));
}

export const nullDigest = (view: number): Uint8Array => digestOf(nullBatch(view));

function signed(kind: OnceSigned, by: AgentId, view: number, seq: number, of: Uint8Array): Uint8Array {
  return cryptoOf(by).sign(orderBytes(kind, view, seq, of));
}

/** The primary's, unless somebody else signs it. */
export function prePrepare(view: number, seq: number, batch: Batch, by: AgentId = primaryOf(view)): Of<"prePrepare"> {
  const of = digestOf(batch);
  return { type: "prePrepare", view, seq, digest: of, signature: signed("prePrepare", by, view, seq, of), batch };
}

type Ordered = Pick<Of<"prePrepare">, "view" | "seq" | "digest" | "signature">;

export function prepare(by: AgentId, { view, seq, digest: of, signature }: Ordered): Of<"prepare"> {
  return {
    type: "prepare",
    view,
    seq,
    digest: of,
    signature: signed("prepare", by, view, seq, of),
    prePrepare: signature,
  };
}

export function commit(by: AgentId, { view, seq, digest: of }: Omit<Ordered, "signature">): Of<"commit"> {
  return { type: "commit", view, seq, digest: of, signature: signed("commit", by, view, seq, of) };
}

export function checkpoint(by: AgentId, seq: number, of: Uint8Array): Of<"checkpoint"> {
  return { type: "checkpoint", seq, digest: of, signature: cryptoOf(by).sign(checkpointBytes(seq, of)) };
}

export function stable(seq: number, of: Uint8Array, ...by: readonly AgentId[]): CheckpointCertificate {
  return {
    seq,
    digest: of,
    checkpoints: by.map((replica) => ({ replica, signature: checkpoint(replica, seq, of).signature })),
  };
}

/** Prepared by these backups. */
export function prepared(order: Ordered, ...by: readonly AgentId[]): PreparedCertificate {
  const { view, seq, digest: of, signature } = order;
  const prepares = by.map((replica) => ({ replica, signature: prepare(replica, order).signature }));
  return { view, seq, digest: of, prePrepare: signature, prepares };
}

export function viewChange(
  by: AgentId,
  view: number,
  known: { readonly stable?: CheckpointCertificate; readonly prepared?: readonly PreparedCertificate[] } = {},
): ViewChange {
  const unsigned = { view, replica: by, stable: GENESIS, prepared: [], ...known };
  return { ...unsigned, signature: cryptoOf(by).sign(viewChangeBytes(unsigned)) };
}

/** The new primary's, with these view changes, and these digests at the places from 1 on. */
export function newView(view: number, from: readonly ViewChange[], ...digests: readonly Uint8Array[]): Of<"newView"> {
  const by = primaryOf(view);
  const viewChanges = from.map((one) => ({ replica: one.replica, digest: digest(viewChangeBytes(one)) }));
  const reproposals = digests.map((of, at) => {
    return { seq: at + 1, digest: of, signature: signed("prePrepare", by, view, at + 1, of) };
  });
  const signature = newViewSignature(by, view, viewChanges, reproposals);
  return { type: "newView", view, viewChanges, reproposals, signature };
}

export function newViewSignature(
  by: AgentId,
  view: number,
  viewChanges: Of<"newView">["viewChanges"],
  reproposals: Of<"newView">["reproposals"],
): Uint8Array {
  return cryptoOf(by).sign(newViewBytes(view, viewChanges, reproposals));
}

export function readReply(by: AgentId, reader: AgentId, number: number, upTo: number): Of<"readReply"> {
  const signature = cryptoOf(by).sign(readReplyBytes(reader, 1, number, upTo));
  return { type: "readReply", life: 1, number, prepared: upTo, signature };
}

/** The state after `seq` places, of a machine that is just this text. */
export function stateAfter(seq: number, machine: string): Uint8Array {
  const table = new RequestTable();
  return encodeReplicated(encodeHead({ seq, index: seq, term: 0, timeMs: 10_000, table }), bytes(machine));
}

export function primaryOf(view: number): AgentId {
  return REPLICAS[view % REPLICAS.length] as AgentId;
}

/** All that came of some turns. */
export interface Came {
  readonly messages: readonly Outgoing<PbftMessage>[];
  /** Those among them that waited for the disk. */
  readonly held: readonly Outgoing<PbftMessage>[];
  readonly committed: readonly Entry[];
  readonly observations: readonly PbftObservation[];
  readonly reads: readonly number[];
  readonly checkpoint: number | undefined;
  readonly install: Snapshot | undefined;
}

interface Disk {
  hardState: PbftHardState;
  snapshot?: Snapshot;
  entries: Entry[];
}

/** One replica whose peers and disk are the test: "b", a backup in view 0, unless it is said. */
export class Subject {
  readonly pbft: Pbft;
  readonly id: AgentId;
  now: number;
  readonly #disk: Disk;
  readonly #given: { readonly id?: AgentId; readonly config?: Partial<PbftConfig> };
  #unsynced: PbftReady[] = [];

  constructor(
    given: { readonly id?: AgentId; readonly config?: Partial<PbftConfig> } = {},
    disk: Disk = { hardState: { term: 0, votedFor: "", commit: 0 }, entries: [] },
    now = 10_000,
  ) {
    const { id = "b", config } = given;
    this.#given = given;
    this.id = id;
    this.now = now;
    this.#disk = disk;
    const whole: PbftConfig = {
      id,
      replicas: REPLICAS,
      incarnation: 1,
      viewTimeoutMs: VIEW_TIMEOUT_MS,
      heartbeatMs: HEARTBEAT_MS,
      maxInflightBatches: 4,
      maxBatchBytes: 1000,
      maxPendingBytes: 10_000,
      checkpointEvery: 4,
      maxAheadMs: 1000,
      maxStateChunkBytes: 1000,
      compactJournalBytes: 1_000_000,
      ...config,
    };
    const restored = { ...disk, entries: disk.entries.slice() };
    this.pbft = new Pbft(whole, restored, cryptoOf(id), now);
  }

  /** It crashes, and starts again from what was synced. @param torn of that, where the crash tore it apart */
  restarted(torn: Partial<Pick<RestoredJournal, "hardState">> = {}): Subject {
    const { config } = this.#given;
    const incarnation = (config?.incarnation ?? 1) + 1;
    return new Subject({ ...this.#given, config: { ...config, incarnation } }, { ...this.#disk, ...torn }, this.now);
  }

  step(from: AgentId, ...messages: readonly PbftMessage[]): void {
    for (const message of messages) this.pbft.step(from, message, this.now);
  }

  /** One turn, of which nothing is synced until `sync`. */
  turn(): PbftReady | undefined {
    const ready = this.pbft.take(this.now);
    if (ready !== undefined) this.#unsynced.push(ready);
    return ready;
  }

  /** All turns so far are durable. @returns what left because of it. */
  sync(): readonly Outgoing<PbftMessage>[] {
    const turns = this.#unsynced;
    this.#unsynced = [];
    for (const { persist } of turns) {
      if (persist === undefined) continue;
      if (persist.snapshot !== undefined) {
        this.#disk.snapshot = persist.snapshot.snapshot;
        this.#disk.entries = [];
      }
      this.#disk.entries.push(...persist.entries);
      if (persist.hardState !== undefined) this.#disk.hardState = persist.hardState;
      this.pbft.persisted(persist.id);
    }
    return turns.flatMap(({ messagesAfterPersist }) => messagesAfterPersist);
  }

  /** Turns, each synced, until nothing is left to do. */
  settle(): Came {
    const all: PbftReady[] = [];
    for (let ready = this.turn(); ready !== undefined; ready = this.turn()) {
      all.push(ready);
      this.sync();
    }
    const held = all.flatMap(({ messagesAfterPersist }) => messagesAfterPersist);
    return {
      messages: [...all.flatMap(({ messages }) => messages), ...held],
      held,
      committed: all.flatMap(({ committed }) => committed),
      observations: all.flatMap(({ observations }) => observations),
      reads: all.flatMap(({ reads }) => reads.map(({ readId }) => readId)),
      checkpoint: all.findLast((ready) => ready.checkpoint !== undefined)?.checkpoint,
      install: all.findLast((ready) => ready.install !== undefined)?.install,
    };
  }

  /** Lets the time pass, in which the primary says now and then that it is there. */
  wait(ms: number, primary?: AgentId): Came {
    const end = this.now + ms;
    const came: Came[] = [this.settle()];
    while (this.now < end) {
      this.now = Math.min(end, this.now + HEARTBEAT_MS / 2);
      if (primary !== undefined) this.step(primary, alive(this.pbft.status().term));
      if (this.now >= this.pbft.deadline()) this.pbft.tick(this.now);
      came.push(this.settle());
    }
    return {
      messages: came.flatMap(({ messages }) => messages),
      held: came.flatMap(({ held }) => held),
      committed: came.flatMap(({ committed }) => committed),
      observations: came.flatMap(({ observations }) => observations),
      reads: came.flatMap(({ reads }) => reads),
      checkpoint: came.findLast((one) => one.checkpoint !== undefined)?.checkpoint,
      install: came.findLast((one) => one.install !== undefined)?.install,
    };
  }

  /** The whole normal case at one place, with two of the other backups. @returns what came of it. */
  decide(seq: number, batch: Batch, view = 0): Came {
    const order = prePrepare(view, seq, batch);
    const primary = primaryOf(view);
    const [one, other] = REPLICAS.filter((id) => id !== this.id && id !== primary) as [AgentId, AgentId];
    this.step(primary, order);
    this.step(one, prepare(one, order), commit(one, order));
    this.step(other, prepare(other, order), commit(other, order));
    return this.settle();
  }
}

/** A primary that has nothing to propose. */
export function alive(view: number): Of<"status"> {
  return { type: "status", view, active: true, stable: 0, executed: 0, proposed: 0, asks: false };
}

/** Of one type, to whom it may be. */
export function sent<Type extends PbftMessage["type"]>(
  messages: readonly Outgoing<PbftMessage>[],
  type: Type,
): readonly (Of<Type> & { readonly to: AgentId })[] {
  return messages
    .filter(({ message }) => message.type === type)
    .map(({ to, message }) => ({ ...(message as Of<Type>), to }));
}

export function seen<Type extends PbftObservation["type"]>(
  { observations }: Pick<Came, "observations">,
  type: Type,
): readonly Seen<Type>[] {
  return observations.filter((one): one is Seen<Type> => one.type === type);
}

export function texts({ committed }: Pick<Came, "committed">): readonly string[] {
  return committed.map(({ data }) => text(data));
}
