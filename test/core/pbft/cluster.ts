import { hash } from "node:crypto";
import { HASH_BYTES, type HashKey, hash128 } from "../../../server/agent/hash128.ts";
import { ByteReader, ByteWriter } from "../../../server/core/bytes.ts";
import type { AgentId, Entry, PersistBatch, Snapshot } from "../../../server/core/consensus.ts";
import type { Crypto } from "../../../server/core/crypto.ts";
import { decodePbftMessage, encodePbftMessage } from "../../../server/core/pbft/codec.ts";
import { Pbft, type RestoredJournal } from "../../../server/core/pbft/pbft.ts";
import type {
  PbftConfig,
  PbftHardState,
  PbftMessage,
  PbftObservation,
  PbftReady,
} from "../../../server/core/pbft/types.ts";
import type { Random } from "../../../server/core/random.ts";
import { type Surroundings, VirtualAgent, VirtualCluster } from "../virtual-cluster.ts";
import { Checkers } from "./checkers.ts";

export type MakeSubject = (config: PbftConfig, restored: RestoredJournal, crypto: Crypto, now: number) => Pbft;
/** What a liar sends in place of an honest replica's message: the message itself when it tells the truth, nothing when it is silent. */
export type Lie = (liar: Liar, to: AgentId, message: PbftMessage) => readonly PbftMessage[];

export interface Liar {
  readonly id: AgentId;
  readonly crypto: Crypto;
  readonly random: Random;
  readonly replicas: readonly AgentId[];
}

export interface ClusterOptions extends Surroundings {
  readonly replicas: number;
  readonly make?: MakeSubject;
  readonly config?: Partial<PbftConfig>;
  readonly liars?: ReadonlyMap<AgentId, Lie>;
}

interface Write {
  readonly batch: PersistBatch<PbftHardState> | undefined;
  readonly messages: readonly { readonly to: AgentId; readonly message: PbftMessage }[];
}

export class Agent extends VirtualAgent<Pbft> {
  disk: { hardState: PbftHardState; snapshot?: Snapshot; entries: Entry[] } = {
    hardState: { term: 0, votedFor: "", commit: 0 },
    entries: [],
  };
  writes: Write[] = [];
  applied = 0;
  /** Of all that it applied: a chain of hashes. */
  state = EMPTY_STATE;
  /** Asked for, and not handed over yet. */
  snapshots: { readonly index: number; readonly data: Uint8Array }[] = [];
  /** Reads under way, with what was known to be executed somewhere honest when they were asked for. */
  reads = new Map<number, number>();
}

const EMPTY_STATE = "";

/**
 * A cluster in virtual time: jumps to the next thing that happens, everything from one seed. Messages cross the codec. What is not
 * synced when a replica crashes is lost from some point on, also in the middle of a batch.
 */
export class Cluster extends VirtualCluster<Pbft, Agent> {
  readonly checkers: Checkers;
  readonly agents: readonly Agent[];
  readonly observations: { readonly at: number; readonly id: AgentId; readonly observation: PbftObservation }[] = [];
  /** Messages sent, by type. */
  readonly sent = new Map<PbftMessage["type"], number>();
  answeredReads = 0;
  readonly ids: readonly AgentId[];
  readonly #options: ClusterOptions;
  readonly #liars: ReadonlyMap<AgentId, Lie>;
  #nextRead = 1;
  #nextCommand = 1;

  constructor(options: ClusterOptions) {
    super(options, 1_000_000);
    this.#options = options;
    this.#liars = options.liars ?? new Map();
    this.agents = Array.from({ length: options.replicas }, (_, at) => new Agent(`n${at + 1}`));
    this.ids = this.agents.map(({ id }) => id);
    this.checkers = new Checkers(this.honest.map(({ id }) => id));
    for (const agent of this.agents) this.start(agent);
  }

  get honest(): readonly Agent[] {
    return this.agents.filter(({ id }) => !this.#liars.has(id));
  }

  override start(agent: Agent): void {
    agent.life++;
    const config: PbftConfig = {
      id: agent.id,
      replicas: this.ids,
      incarnation: agent.life,
      viewTimeoutMs: 200,
      heartbeatMs: 20,
      maxInflightBatches: 4,
      maxBatchBytes: 4096,
      maxPendingBytes: 64 * 1024,
      checkpointEvery: 8,
      maxAheadMs: 60_000,
      maxStateChunkBytes: 64,
      compactJournalBytes: 8 * 1024,
      ...this.#options.config,
    };
    const restored = { ...agent.disk, entries: agent.disk.entries.slice() };
    const make = this.#options.make ?? ((...given) => new Pbft(...given));
    agent.subject = make(config, restored, cryptoOf(agent.id), this.now);
    const initial = agent.subject.initial();
    agent.applied = initial?.index ?? 0;
    agent.state = initial === undefined ? EMPTY_STATE : stateIn(initial);
    this.wake(agent);
  }

  crash(agent: Agent): void {
    if (agent.subject === undefined) return;
    const survivors = this.random.int(0, agent.writes.length);
    agent.writes.slice(0, survivors).forEach(({ batch }) => {
      store(agent, batch);
    });
    const torn = agent.writes[survivors]?.batch;
    if (torn !== undefined && this.random.chance(0.5)) this.#tear(agent, torn);
    this.forget(agent);
    agent.writes = [];
    agent.snapshots = [];
    agent.reads.clear();
  }

  /** Commands that no other has the like of. @returns them. */
  propose(agent: Agent, count: number): readonly string[] {
    if (agent.subject === undefined) return [];
    const texts = Array.from({ length: count }, () => `${agent.id}-${this.#nextCommand++}`);
    for (const text of texts) this.checkers.proposed(text);
    agent.subject.propose(
      texts.map((text) => new TextEncoder().encode(text)),
      this.now,
    );
    this.wake(agent);
    return texts;
  }

  read(agent: Agent): void {
    if (agent.subject === undefined) return;
    const readId = this.#nextRead++;
    agent.reads.set(readId, this.checkers.executedIndex);
    agent.subject.read(readId);
    this.wake(agent);
  }

  /** A message as if `from` had sent it. */
  deliver(from: AgentId, to: AgentId, message: PbftMessage): void {
    this.#transmit(from, to, message);
  }

  protected override turn(agent: Agent, subject: Pbft): void {
    for (let ready = subject.take(this.now); ready !== undefined; ready = subject.take(this.now))
      this.#carryOut(agent, subject, ready);
    const deadline = subject.deadline();
    this.setAlarm(agent, deadline, deadline - this.now);
  }

  protected override tick(_: Agent, subject: Pbft): void {
    subject.tick(this.now);
  }

  #carryOut(agent: Agent, subject: Pbft, ready: PbftReady): void {
    const { persist, install, checkpoint } = ready;
    if (install !== undefined) {
      agent.applied = install.index;
      agent.state = stateIn(install);
      this.checkers.installed(agent.id, install.index, agent.state);
    }
    for (const observation of ready.observations) this.observations.push({ at: this.now, id: agent.id, observation });
    for (const entry of ready.committed) {
      agent.state = hash("sha1", `${agent.state}${entry.index}/${entry.term}/${entry.timeMs}/${text(entry)}`);
      this.checkers.applied(agent.id, entry, ++agent.applied, agent.state, text(entry));
    }
    if (checkpoint !== undefined) {
      const data = new TextEncoder().encode(`${agent.state} and as much again as makes several parts`);
      agent.snapshots.push({ index: checkpoint, data });
      // Now and then it takes a while, and others are asked for meanwhile.
      if (this.random.chance(0.5)) this.#handOver(agent, subject);
      else {
        const { life } = agent;
        this.after(this.random.float() * 3, () => {
          if (agent.life === life && agent.subject !== undefined) this.#handOver(agent, agent.subject);
        });
      }
    }
    for (const { readId, index } of ready.reads) {
      this.checkers.read(agent.id, index, agent.reads.get(readId) as number);
      agent.reads.delete(readId);
      this.answeredReads++;
    }
    for (const { to, message } of ready.messages) this.#send(agent.id, to, message);
    if (persist === undefined && agent.writes.length === 0) {
      for (const { to, message } of ready.messagesAfterPersist) this.#send(agent.id, to, message);
    } else if (persist !== undefined || ready.messagesAfterPersist.length > 0) {
      agent.writes.push({ batch: persist, messages: ready.messagesAfterPersist });
      if (agent.writes.length === 1) this.#sync(agent);
    }
  }

  #handOver(agent: Agent, subject: Pbft): void {
    for (const snapshot of agent.snapshots.splice(0)) subject.compact(snapshot);
    this.wake(agent);
  }

  /** Syncs batches one after the other. */
  #sync(agent: Agent): void {
    this.sync(agent, (subject) => {
      const write = agent.writes.shift() as Write;
      store(agent, write.batch);
      if (write.batch !== undefined) subject.persisted(write.batch.id);
      for (const { to, message } of write.messages) this.#send(agent.id, to, message);
      if (agent.writes.length > 0) this.#sync(agent);
    });
  }

  /** Part of a batch reached the disk: the hard state or some first entries, or both. */
  #tear(agent: Agent, batch: PersistBatch<PbftHardState>): void {
    const entries = batch.entries.slice(0, this.random.int(0, batch.entries.length));
    const hardState = this.random.chance(0.5) ? batch.hardState : undefined;
    // A snapshot is there whole or not at all, and before what follows on it.
    const { id, snapshot } = batch;
    if (snapshot !== undefined && this.random.chance(0.5)) return;
    store(agent, {
      id,
      entries,
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(hardState === undefined ? {} : { hardState }),
    });
  }

  #send(from: AgentId, to: AgentId, message: PbftMessage): void {
    this.sent.set(message.type, (this.sent.get(message.type) ?? 0) + 1);
    const lie = this.#liars.get(from);
    if (lie === undefined) {
      this.checkers.sent(from, message);
      this.#transmit(from, to, message);
      return;
    }
    const liar = { id: from, crypto: cryptoOf(from), random: this.random, replicas: this.ids };
    for (const told of lie(liar, to, message)) this.#transmit(from, to, told);
  }

  #transmit(from: AgentId, to: AgentId, message: PbftMessage): void {
    WRITER.clear();
    encodePbftMessage(WRITER, message);
    const bytes = WRITER.finishShortLived();
    this.carry(from, to, (_, subject) => {
      const reader = new ByteReader(bytes);
      const received = decodePbftMessage(reader);
      reader.end();
      subject.step(from, received, this.now);
    });
  }
}

const WRITER = new ByteWriter(64 * 1024);
const WORDS = new Int32Array(HASH_BYTES / 4);
const SECRETS = new Map<AgentId, HashKey>();

/** Cheap, and broken by nobody here: a hash over a secret that only its owner is given. */
export function cryptoOf(id: AgentId): Crypto {
  return {
    digest: (bytes) => Uint8Array.from(hash("sha256", bytes, "buffer")),
    sign: (bytes) => signatureOf(id, bytes),
    verify: (signer, bytes, signature) => {
      const right = signatureOf(signer, bytes);
      return right.length === signature.length && right.every((byte, at) => byte === signature[at]);
    },
  };
}

function signatureOf(id: AgentId, bytes: Uint8Array): Uint8Array {
  hash128(bytes, secretOf(id), WORDS);
  return new Uint8Array(WORDS.buffer.slice(0, HASH_BYTES));
}

function secretOf(id: AgentId): HashKey {
  let secret = SECRETS.get(id);
  if (secret === undefined) {
    const [a = 0, b = 0, c = 0, d = 0] = new Int32Array(
      Uint8Array.from(hash("sha1", `the secret of ${id}`, "buffer")).buffer.slice(0, HASH_BYTES),
    );
    secret = [a, b, c, d];
    SECRETS.set(id, secret);
  }
  return secret;
}

function store(agent: Agent, batch: PersistBatch<PbftHardState> | undefined): void {
  if (batch === undefined) return;
  const { disk } = agent;
  if (batch.snapshot !== undefined) {
    disk.entries = [];
    disk.snapshot = batch.snapshot.snapshot;
  }
  const first = batch.entries[0];
  if (first !== undefined) {
    const place = first.index - (disk.snapshot?.index ?? 0) - 1;
    if (place !== disk.entries.length) throw new RangeError("the journal goes on where it ended");
    disk.entries.push(...batch.entries);
  }
  if (batch.hardState !== undefined) agent.disk.hardState = batch.hardState;
}

/** The state that a snapshot holds. */
function stateIn({ data }: Snapshot): string {
  return new TextDecoder().decode(data).split(" ", 1)[0] as string;
}

function text({ data }: Entry): string {
  return new TextDecoder().decode(data);
}
