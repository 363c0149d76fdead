import { ByteReader, ByteWriter } from "../../../server/core/bytes.ts";
import type { AgentId, Outgoing, PersistBatch, Snapshot } from "../../../server/core/consensus.ts";
import { decodeGossipMessage, encodeGossipMessage } from "../../../server/core/gossip/codec.ts";
import { Gossip } from "../../../server/core/gossip/gossip.ts";
import type {
  GossipConfig,
  GossipHardState,
  GossipMessage,
  GossipObservation,
  GossipReady,
} from "../../../server/core/gossip/types.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { type Surroundings, VirtualAgent, VirtualCluster } from "../virtual-cluster.ts";
import { Checkers, DiskImage } from "./checkers.ts";

export interface ClusterOptions extends Surroundings {
  readonly members: number;
  readonly config?: Partial<GossipConfig>;
  /** Whom each one's messages to go no way round; absent: none is nearer than others. */
  readonly near?: (id: AgentId) => readonly AgentId[];
  /** Messages that are always lost, and what else becomes of one on its way. */
  readonly drops?: (message: GossipMessage) => boolean;
  readonly tampers?: (message: GossipMessage) => GossipMessage;
  /** How likely an agent is to take a snapshot after a turn in which it applied something. */
  readonly snapshots?: number;
  /** By how much each one's clock is ahead, ms. */
  readonly skewMs?: (id: AgentId) => number;
  readonly transcript?: (line: string) => void;
}

interface Write {
  readonly batch: PersistBatch<GossipHardState>;
  readonly messages: Outgoing<GossipMessage>[];
}

export class Agent extends VirtualAgent<Gossip> {
  disk: DiskImage;
  writes: Write[] = [];
  applied = 0;
  /** Commands given out, as a state machine holds them. */
  state = new Set<string>();
  /** Given out, or proposed by itself in this life: what its next command comes after. */
  known = new Set<string>();
  proposed = 0;

  constructor(id: AgentId, members: number) {
    super(id);
    this.disk = new DiskImage(members);
  }
}

/** A cluster in virtual time, as that of Raft: everything from one seed, messages cross the codec, and what is not synced when an agent crashes is lost from some point on. */
export class Cluster extends VirtualCluster<Gossip, Agent> {
  readonly checkers = new Checkers();
  readonly agents: readonly Agent[];
  readonly ids: readonly AgentId[];
  readonly observations: { readonly at: number; readonly id: AgentId; readonly observation: GossipObservation }[] = [];
  readonly sent = { messages: 0, bytes: 0, operations: 0 };
  readonly #options: ClusterOptions;

  constructor(options: ClusterOptions) {
    super(options, 1_760_000_000_000);
    this.#options = options;
    this.ids = Array.from({ length: options.members }, (_, at) => `n${at + 1}`).toSorted();
    this.agents = this.ids.map((id) => new Agent(id, options.members));
    for (const agent of this.agents) this.start(agent);
  }

  override start(agent: Agent): void {
    agent.life++;
    const config: GossipConfig = {
      id: agent.id,
      members: this.ids,
      fanout: 3,
      antiEntropyMs: 50,
      ...this.#options.config,
    };
    const { hardState, snapshot, entries } = agent.disk;
    const random = seededRandom(this.#options.seed).fork(`${agent.id} ${agent.life}`);
    const recovered = { hardState, entries: entries.slice(), ...(snapshot !== undefined && { snapshot }) };
    const near = this.#options.near?.(agent.id) ?? [];
    const subject = new Gossip(config, recovered, random, this.#clockOf(agent), () => ({ linked: near, meanHops: 1 }));
    agent.subject = subject;
    const initial = subject.initial();
    agent.applied = initial?.index ?? 0;
    agent.state = initial === undefined ? new Set() : stateIn(initial);
    agent.known = new Set(agent.state);
    this.turn(agent, subject);
    this.checkers.stands(agent.id, agent.state);
    agent.known = new Set(agent.state);
  }

  crash(agent: Agent): void {
    if (agent.subject === undefined) return;
    const survivors = this.random.int(0, agent.writes.length);
    for (const { batch } of agent.writes.slice(0, survivors)) agent.disk.store(batch);
    const torn = agent.writes[survivors]?.batch;
    if (torn !== undefined && this.random.chance(0.5)) this.#tear(agent, torn);
    this.forget(agent);
    agent.writes = [];
  }

  /** So many commands at one agent. Returns those that were taken. */
  propose(agent: Agent, count = 1): string[] {
    const { subject } = agent;
    if (subject === undefined) return [];
    const texts: string[] = [];
    for (let at = 0; at < count; at++) {
      const text = `${agent.id}:${agent.life}.${++agent.proposed}`;
      this.checkers.proposed(text, agent.known);
      const before = subject.status().lastIndex;
      subject.propose([new TextEncoder().encode(text)], this.#clockOf(agent));
      if (subject.status().lastIndex === before) continue;
      agent.known.add(text);
      texts.push(text);
    }
    this.wake(agent);
    return texts;
  }

  /** Nobody of the ones reaches one of the others. */
  partition(ones: readonly AgentId[]): void {
    for (const from of this.ids)
      for (const to of this.ids) if (ones.includes(from) !== ones.includes(to)) this.block(from, to);
  }

  /** All that are up have the same commands, and all those that were acknowledged. */
  get equal(): boolean {
    const [first, ...others] = this.agents;
    const state = first?.state as Set<string>;
    return (
      this.agents.every(({ subject, writes }) => subject !== undefined && writes.length === 0) &&
      [...this.checkers.acknowledged.keys()].every((text) => state.has(text)) &&
      others.every((other) => other.state.size === state.size && [...state].every((text) => other.state.has(text)))
    );
  }

  /** Everybody knows that everybody has everything. */
  get converged(): boolean {
    return this.equal && this.agents.every(({ subject }) => subject?.status().gossip.agreement === 1);
  }

  #clockOf({ id }: Agent): number {
    return this.now + (this.#options.skewMs?.(id) ?? 0);
  }

  protected override turn(agent: Agent, subject: Gossip): void {
    for (
      let ready = subject.take(this.#clockOf(agent));
      ready !== undefined;
      ready = subject.take(this.#clockOf(agent))
    )
      this.#carryOut(agent, subject, ready);
    const deadline = subject.deadline();
    this.setAlarm(agent, deadline, deadline - this.#clockOf(agent));
  }

  protected override tick(agent: Agent, subject: Gossip): void {
    subject.tick(this.#clockOf(agent));
  }

  #carryOut(agent: Agent, subject: Gossip, ready: GossipReady): void {
    const { persist, install } = ready;
    const { maxAheadMs = 60_000 } = this.#options.config ?? {};
    for (const entry of persist?.entries ?? [])
      this.checkers.logged(agent.id, entry, this.ids, this.#clockOf(agent) + maxAheadMs);
    if (install !== undefined) {
      agent.applied = install.index;
      agent.state = stateIn(install);
      this.checkers.stands(agent.id, agent.state);
      for (const text of agent.state) agent.known.add(text);
    }
    for (const entry of ready.committed) {
      this.checkers.given(agent.id, entry, ++agent.applied, agent.state);
      agent.known.add(new TextDecoder().decode(entry.data));
    }
    for (const { to, message } of ready.messages) this.#send(agent, to, message);
    for (const { to, message } of ready.messagesAfterPersist) this.checkers.made(agent.id, agent.life, to, message);
    if (persist !== undefined) {
      agent.writes.push({ batch: persist, messages: [...ready.messagesAfterPersist] });
      if (agent.writes.length === 1) this.#sync(agent);
    } else if (agent.writes.length > 0) agent.writes.at(-1)?.messages.push(...ready.messagesAfterPersist);
    else for (const { to, message } of ready.messagesAfterPersist) this.#send(agent, to, message);
    for (const observation of ready.observations) {
      this.observations.push({ at: this.now, id: agent.id, observation });
      this.#options.transcript?.(`${agent.id} ${JSON.stringify(observation)}`);
      if (observation.type === "converged") this.#checkConvergence(agent);
    }
    const asked = ready.checkpoint !== undefined;
    if (asked || (ready.committed.length > 0 && this.random.chance(this.#options.snapshots ?? 0))) {
      const data = new TextEncoder().encode(JSON.stringify([...agent.state]));
      subject.compact({ index: agent.applied, data }, this.#clockOf(agent));
      this.wake(agent);
    }
  }

  /** As it leaves no trace of what the agent has that is not on its disk yet: what it has is as much as its log. */
  #checkConvergence(agent: Agent): void {
    const image = new DiskImage(this.ids.length);
    image.entries = agent.disk.entries.slice();
    image.snapshot = agent.disk.snapshot;
    for (let at = 0; at < image.have.length; at++) image.have[at] = agent.disk.have[at] as number;
    for (const { batch } of agent.writes) image.store(batch);
    const others = this.agents.filter((other) => other !== agent);
    this.checkers.converged(
      agent.id,
      image.have,
      others.map(({ disk }) => disk),
    );
  }

  /** What has gathered while the disk was busy becomes durable together. */
  #sync(agent: Agent): void {
    const together = agent.writes.length;
    this.sync(agent, (subject) => {
      for (const { batch, messages } of agent.writes.splice(0, together)) {
        agent.disk.store(batch);
        subject.persisted(batch.id, this.#clockOf(agent));
        for (const { to, message } of messages) this.#send(agent, to, message);
      }
      if (agent.writes.length > 0) this.#sync(agent);
    });
  }

  /** Part of a batch reached the disk. A snapshot is there whole or not at all, and before what follows on it. */
  #tear(agent: Agent, batch: PersistBatch<GossipHardState>): void {
    if (batch.snapshot !== undefined && this.random.chance(0.5)) return;
    agent.disk.store({ ...batch, entries: batch.entries.slice(0, this.random.int(0, batch.entries.length)) });
  }

  #send(agent: Agent, to: AgentId, made: GossipMessage): void {
    this.checkers.sent(agent, made, this.#options.config?.fanout ?? 3);
    if (this.#options.drops?.(made)) return;
    const message = this.#options.tampers?.(made) ?? made;
    const writer = new ByteWriter();
    encodeGossipMessage(writer, message);
    const bytes = writer.finish();
    this.sent.messages++;
    this.sent.bytes += bytes.length;
    if (message.type === "rumour") this.sent.operations += message.rumours.length;
    if (message.type === "delta") this.sent.operations += message.operations.length;
    this.#options.transcript?.(`${agent.id}>${to} ${[...bytes].join(",")}`);
    this.carry(agent.id, to, (receiver, subject) => {
      const reader = new ByteReader(bytes);
      const received = decodeGossipMessage(reader);
      reader.end();
      this.checkers.heard(receiver.id, receiver.life, agent.id, received);
      subject.step(agent.id, received, this.#clockOf(receiver));
    });
  }
}

/** The state that a machine's snapshot holds. */
function stateIn({ data }: Snapshot): Set<string> {
  return new Set(JSON.parse(new TextDecoder().decode(data)) as string[]);
}
