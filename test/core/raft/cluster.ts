import { ByteReader, ByteWriter } from "../../../server/core/bytes.ts";
import type {
  AgentId,
  Consensus,
  Entry,
  MemberChange,
  PersistBatch,
  Snapshot,
} from "../../../server/core/consensus.ts";
import { decodeRaftMessage, encodeRaftMessage } from "../../../server/core/raft/codec.ts";
import { Raft } from "../../../server/core/raft/raft.ts";
import type {
  HardState,
  RaftConfig,
  RaftMessage,
  RaftObservation,
  RaftReady,
  RaftStatus,
  Restored,
} from "../../../server/core/raft/types.ts";
import { type Random, seededRandom } from "../../../server/core/random.ts";
import { type Surroundings, VirtualAgent, VirtualCluster } from "../virtual-cluster.ts";
import { Checkers, EMPTY_STATE } from "./checkers.ts";

export type Subject = Consensus<RaftMessage, HardState, RaftObservation, RaftStatus>;
export type MakeSubject = (config: RaftConfig, restored: Restored, random: Random, now: number) => Subject;

export interface ClusterOptions extends Surroundings {
  readonly voters: number;
  /** Agents besides that are in no configuration at first. */
  readonly spares?: number;
  /** How likely an agent is to take a snapshot after a turn in which it applied something. */
  readonly snapshots?: number;
  readonly make?: MakeSubject;
  readonly config?: Partial<RaftConfig>;
  /** What a crash leaves of what was durable: for subjects that are meant to fail. */
  readonly afterCrash?: (restored: Restored) => Restored;
}

interface Write {
  readonly batch: PersistBatch<HardState> | undefined;
  readonly messages: readonly { readonly to: AgentId; readonly message: RaftMessage }[];
}

/** Entries after what a snapshot stands for. */
export class ShadowLog {
  before = { index: 0, term: 0 };
  entries: Entry[] = [];

  take(entry: Entry): void {
    this.entries.length = entry.index - this.before.index - 1;
    this.entries.push(entry);
  }

  install({ index, term }: { readonly index: number; readonly term: number }, discard: boolean): void {
    this.entries = discard ? [] : this.entries.slice(index - this.before.index);
    this.before = { index, term };
  }

  at(index: number): Entry | undefined {
    return this.entries[index - this.before.index - 1];
  }

  /** undefined for what a snapshot stands for. */
  termAt(index: number): number | undefined {
    return index === this.before.index ? this.before.term : this.at(index)?.term;
  }
}

class Agent extends VirtualAgent<Subject> {
  disk: { hardState: HardState; snapshot?: Snapshot; entries: Entry[] } = {
    hardState: { term: 0, votedFor: "", commit: 0 },
    entries: [],
  };
  /** The log as the subject has it in memory, by its own batches. */
  log = new ShadowLog();
  writes: Write[] = [];
  applied = 0;
  /** Of all that it applied. */
  state = EMPTY_STATE;
  /** Reads under way, with what was committed when they were asked for. */
  reads = new Map<number, number>();
}

/**
 * A cluster in virtual time: jumps to the next thing that happens, everything from one seed. Messages cross the codec. What is not
 * synced when an agent crashes is lost from some point on, also in the middle of a batch.
 */
export class Cluster extends VirtualCluster<Subject, Agent> {
  readonly checkers = new Checkers();
  readonly agents: readonly Agent[];
  readonly observations: { readonly at: number; readonly id: AgentId; readonly observation: RaftObservation }[] = [];
  answeredReads = 0;
  failedReads = 0;
  readonly #options: ClusterOptions;
  #nextRead = 1;

  constructor(options: ClusterOptions) {
    super(options, 1_000_000);
    this.#options = options;
    const count = options.voters + (options.spares ?? 0);
    this.agents = Array.from({ length: count }, (_, at) => new Agent(`n${at + 1}`));
    for (const agent of this.agents) this.start(agent);
  }

  override start(agent: Agent): void {
    agent.life++;
    const voters = this.agents.slice(0, this.#options.voters).map(({ id }) => id);
    const config: RaftConfig = {
      id: agent.id,
      // Whoever joins knows of nobody.
      voters: voters.includes(agent.id) ? voters : [],
      electionTimeoutMinMs: 150,
      electionTimeoutMaxMs: 300,
      heartbeatMs: 40,
      maxInflightAppends: 4,
      maxAppendBytes: 64,
      maxUncommittedBytes: 4096,
      keepEntries: 8,
      maxSnapshotChunkBytes: 16,
      ...this.#options.config,
    };
    const { snapshot } = agent.disk;
    const restored = { ...agent.disk, entries: agent.disk.entries.slice() };
    const random = seededRandom(this.#options.seed).fork(`${agent.id} ${agent.life}`);
    const make = this.#options.make ?? ((...given) => new Raft(...given));
    agent.subject = make(config, restored, random, this.now);
    agent.log = new ShadowLog();
    if (snapshot !== undefined) agent.log.install(snapshot, true);
    agent.log.entries = agent.disk.entries.slice();
    agent.applied = snapshot?.index ?? 0;
    agent.state = snapshot === undefined ? EMPTY_STATE : stateIn(snapshot);
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
    const { afterCrash } = this.#options;
    if (afterCrash !== undefined) {
      const left = afterCrash(agent.disk);
      agent.disk = { ...left, entries: left.entries.slice() };
    }
    this.forget(agent);
    agent.writes = [];
    agent.reads.clear();
  }

  propose(agent: Agent, texts: readonly string[]): void {
    if (agent.subject === undefined) return;
    agent.subject.propose(
      texts.map((text) => new TextEncoder().encode(text)),
      this.now,
    );
    this.wake(agent);
  }

  read(agent: Agent): void {
    if (agent.subject === undefined) return;
    const readId = this.#nextRead++;
    agent.reads.set(readId, this.checkers.committedIndex);
    agent.subject.read(readId, this.now);
    this.wake(agent);
  }

  /** Returns whether it was taken up. */
  changeMembers(agent: Agent, change: MemberChange): boolean {
    const taken = agent.subject?.changeMembers(change, this.now).ok === true;
    if (taken) this.wake(agent);
    return taken;
  }

  /** The leader of the highest term among the running. */
  leader(): Agent | undefined {
    let leader: Agent | undefined;
    let highest = 0;
    for (const agent of this.agents) {
      const status = agent.subject?.status();
      if (status?.role === "leader" && status.term > highest) {
        highest = status.term;
        leader = agent;
      }
    }
    return leader;
  }

  protected override turn(agent: Agent, subject: Subject): void {
    const ready = subject.take(this.now);
    if (ready !== undefined) this.#carryOut(agent, subject, ready);
    const deadline = subject.deadline();
    this.setAlarm(agent, deadline, deadline - this.now);
  }

  protected override tick(_: Agent, subject: Subject): void {
    subject.tick(this.now);
  }

  #carryOut(agent: Agent, subject: Subject, ready: RaftReady): void {
    const { persist, install } = ready;
    if (persist?.snapshot !== undefined) agent.log.install(persist.snapshot.snapshot, persist.snapshot.discardLog);
    for (const entry of persist?.entries ?? []) {
      agent.log.take(entry);
      this.checkers.appended(agent.id, entry, agent.log);
    }
    if (install !== undefined) {
      this.checkers.installed(agent.id, install.index, agent.applied, stateIn(install));
      agent.applied = install.index;
      agent.state = stateIn(install);
    }
    for (const observation of ready.observations) {
      this.observations.push({ at: this.now, id: agent.id, observation });
      if (observation.type === "becameLeader") this.checkers.becameLeader(agent.id, observation.term, agent.log);
    }
    const { term } = subject.status();
    for (const entry of ready.committed)
      agent.state = this.checkers.committed(agent.id, term, entry, ++agent.applied, agent.state);
    if (ready.committed.length > 0 && this.random.chance(this.#options.snapshots ?? 0)) {
      const data = new TextEncoder().encode(`${agent.state} and as much again as makes several parts`);
      subject.compact({ index: agent.applied, data }, this.now);
      this.wake(agent);
    }
    for (const { readId, index } of ready.reads) {
      this.checkers.read(agent.id, index, agent.reads.get(readId) as number);
      agent.reads.delete(readId);
      this.answeredReads++;
    }
    for (const readId of ready.failedReads) {
      agent.reads.delete(readId);
      this.failedReads++;
    }
    for (const { to, message } of ready.messages) this.#send(agent.id, to, message);
    if (persist === undefined && agent.writes.length === 0) {
      for (const { to, message } of ready.messagesAfterPersist) this.#send(agent.id, to, message);
    } else if (persist !== undefined || ready.messagesAfterPersist.length > 0) {
      agent.writes.push({ batch: persist, messages: ready.messagesAfterPersist });
      if (agent.writes.length === 1) this.#sync(agent);
    }
  }

  /** Syncs batches one after the other. */
  #sync(agent: Agent): void {
    this.sync(agent, (subject) => {
      const write = agent.writes.shift() as Write;
      store(agent, write.batch);
      if (write.batch !== undefined) subject.persisted(write.batch.id, this.now);
      for (const { to, message } of write.messages) this.#send(agent.id, to, message);
      if (agent.writes.length > 0) this.#sync(agent);
    });
  }

  /** Part of a batch reached the disk: the hard state or some first entries, or both. */
  #tear(agent: Agent, batch: PersistBatch<HardState>): void {
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

  #send(from: AgentId, to: AgentId, message: RaftMessage): void {
    this.checkers.sent(from, to, message);
    const writer = new ByteWriter();
    encodeRaftMessage(writer, message);
    const bytes = writer.finish();
    this.carry(from, to, (_, subject) => {
      const reader = new ByteReader(bytes);
      const received = decodeRaftMessage(reader);
      reader.end();
      subject.step(from, received, this.now);
    });
  }
}

function store(agent: Agent, batch: PersistBatch<HardState> | undefined): void {
  if (batch === undefined) return;
  const { disk } = agent;
  const before = disk.snapshot?.index ?? 0;
  if (batch.snapshot !== undefined) {
    const { snapshot, discardLog } = batch.snapshot;
    disk.entries = discardLog ? [] : disk.entries.slice(snapshot.index - before);
    disk.snapshot = snapshot;
  }
  const first = batch.entries[0];
  if (first !== undefined) {
    const place = first.index - (disk.snapshot?.index ?? 0) - 1;
    if (place > disk.entries.length) throw new RangeError("the disk's log has a gap");
    disk.entries.length = place;
    disk.entries.push(...batch.entries);
  }
  if (batch.hardState !== undefined) agent.disk.hardState = batch.hardState;
}

/** The state that a snapshot holds. */
function stateIn({ data }: Snapshot): string {
  return new TextDecoder().decode(data).split(" ", 1)[0] as string;
}
