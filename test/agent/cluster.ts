import { Agent } from "../../server/agent/agent.ts";
import { SNAPSHOT_CHUNK_BYTES, SNAPSHOT_EVERY_BYTES, SNAPSHOT_EVERY_ENTRIES } from "../../server/agent/settings.ts";
import type { AgentConfig } from "../../server/agent/types.ts";
import type {
  ClientReply,
  Judgement,
  LogBatch,
  Measurement,
  RecoveredLog,
  TaskEnd,
  World,
} from "../../server/agent/world.ts";
import type { ClientOperation, ClientRequest, ClientResult } from "../../server/contract/client.ts";
import { type ConsensusKind, leads } from "../../server/contract/consensus.ts";
import type { Timing } from "../../server/contract/mesh.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import type { Entry, Snapshot } from "../../server/core/consensus.ts";
import type { Crypto } from "../../server/core/crypto.ts";
import { buildLinks } from "../../server/core/overlay/topology.ts";
import type { Link, TopologyKind } from "../../server/core/overlay/types.ts";
import type { ProposalSpec } from "../../server/core/proposals/types.ts";
import type { HardState } from "../../server/core/raft/types.ts";
import { seededRandom } from "../../server/core/random.ts";
import type { TaskOutcome, TaskSpec } from "../../server/core/tasks/types.ts";
import { SimKeys } from "../../server/sim/crypto.ts";

export const TIMING: Timing = {
  profile: "local",
  heartbeatMs: 60,
  electionTimeoutMinMs: 300,
  electionTimeoutMaxMs: 600,
  probeIntervalMs: 400,
  probeTimeoutMs: 100,
  suspicionMultiplier: 1,
  memberHeartbeatMs: 120,
  suspectAfterMs: 500,
  failAfterMs: 300,
  failAfterClosedMs: 200,
};

const EPOCH_MS = 1_800_000_000_000;
const LATENCY_MS = 1;
const DISK_MS = 2;

interface Occurrence {
  readonly atMs: number;
  readonly order: number;
  readonly happen: () => void;
}

export interface ClusterOptions {
  readonly size: number;
  readonly consensus?: ConsensusKind;
  readonly topology?: TopologyKind;
  readonly seed?: string;
  readonly slots?: number;
  readonly taskLeaseMs?: number;
  readonly timing?: Timing;
  readonly snapshotEveryEntries?: number;
  readonly snapshotEveryBytes?: number;
  readonly snapshotChunkBytes?: number;
}

/** A few agents in one process, with a virtual clock. Nothing is lost or late unless the test says so. */
export class Cluster {
  ids: readonly string[];
  links: readonly Link[];
  readonly nodes: Map<string, Node>;
  /** Those that vote at first. */
  readonly founders: readonly string[];
  readonly options: ClusterOptions;
  now = EPOCH_MS;
  /** Whether a frame arrives. */
  passes: (from: string, to: string) => boolean = () => true;
  /** How long a frame takes. */
  latencyMs: (from: string, to: string) => number = () => LATENCY_MS;
  /** Every frame sent, for those who want to see them. */
  onFrame: (from: string, to: string, frame: Uint8Array) => void = () => {};
  readonly #cut = new Set<string>();
  #queue: Occurrence[] = [];
  #order = 0;

  constructor(options: ClusterOptions) {
    this.options = options;
    this.ids = Array.from({ length: options.size }, (_, place) => `a${place + 1}`);
    this.founders = this.ids;
    this.links = buildLinks(options.topology ?? "mesh", this.ids);
    this.nodes = new Map(this.ids.map((id) => [id, new Node(id, this)]));
    for (const node of this.nodes.values()) node.start();
  }

  /** One more agent, without a vote: all are told of it but those that are not to be, and it starts. */
  join(id: string, untold: readonly string[] = []): Node {
    this.ids = [...this.ids, id];
    this.links = buildLinks(this.options.topology ?? "mesh", this.ids);
    for (const node of this.up) if (!untold.includes(node.id)) this.tell(node.id);
    const joining = new Node(id, this);
    this.nodes.set(id, joining);
    joining.start();
    return joining;
  }

  /** Of all that there are. */
  tell(id: string): void {
    const node = this.node(id);
    this.agent(id).rosterChanged(this.ids, this.links, node.now);
    for (const peer of node.peers()) if (this.nodes.has(peer)) node.opened(peer);
  }

  node(id: string): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new RangeError(`no agent ${id}`);
    return node;
  }

  agent(id: string): Agent {
    const { agent } = this.node(id);
    if (agent === undefined) throw new RangeError(`${id} is down`);
    return agent;
  }

  /** Agents that are up, in order. */
  get up(): Node[] {
    return [...this.nodes.values()].filter((node) => node.agent !== undefined);
  }

  after(delayMs: number, happen: () => void): void {
    const occurrence = { atMs: this.now + delayMs, order: this.#order++, happen };
    let place = this.#queue.length;
    while (place > 0 && (this.#queue[place - 1] as Occurrence).atMs > occurrence.atMs) place--;
    this.#queue.splice(place, 0, occurrence);
  }

  run(forMs: number): void {
    this.runUntil(() => false, forMs);
  }

  /** Lets time pass until something holds. Returns how long it took, ms, or undefined if it did not come to hold in time. */
  runUntil(holds: () => boolean, withinMs: number): number | undefined {
    const begin = this.now;
    while (!holds()) {
      const next = this.#queue[0];
      if (next === undefined || next.atMs > begin + withinMs) {
        this.now = begin + withinMs;
        return undefined;
      }
      this.#queue.shift();
      this.now = Math.max(this.now, next.atMs);
      next.happen();
    }
    return this.now - begin;
  }

  /** As runUntil, failing the test when it does not come to hold. */
  until(what: string, holds: () => boolean, withinMs = 10_000): number {
    const tookMs = this.runUntil(holds, withinMs);
    if (tookMs === undefined) throw new Error(`within ${withinMs} ms of virtual time it did not happen that ${what}`);
    return tookMs;
  }

  /** The link closes, and cannot be opened again until mended. */
  cut(a: string, b: string): void {
    this.#cut.add(linkKey(a, b));
    this.node(a).closed(b);
    this.node(b).closed(a);
  }

  mend(a: string, b: string): void {
    this.#cut.delete(linkKey(a, b));
    this.node(a).opened(b);
  }

  isCut(a: string, b: string): boolean {
    return this.#cut.has(linkKey(a, b));
  }

  get leader(): string | undefined {
    const leaders = this.up.map(({ agent }) => (agent as Agent).consensusStatus).filter(({ role }) => leads(role));
    leaders.sort((a, b) => b.term - a.term);
    return leaders[0]?.id;
  }

  /** Waits until all that are up follow one leader. */
  elect(): string {
    this.until("all know the same leader", () => {
      const known = new Set(this.up.map(({ agent }) => (agent as Agent).consensusStatus.leader));
      return known.size === 1 && !known.has("") && known.has(this.leader ?? "");
    });
    return this.leader as string;
  }

  follower(): string {
    const leader = this.elect();
    return this.up.map(({ id }) => id).find((id) => id !== leader) as string;
  }

  /** Asks one agent and waits for the answer. */
  ask(id: string, operation: ClientOperation & Partial<ClientRequest>, withinMs = 12_000): ClientResult {
    const requestId = this.send(id, operation);
    this.until(`${id} answers ${operation.op}`, () => this.node(id).answers.has(requestId), withinMs);
    return this.node(id).answers.get(requestId) as ClientResult;
  }

  send(id: string, operation: ClientOperation & Partial<ClientRequest>): number {
    const node = this.node(id);
    const requestId = node.nextRequest++;
    node.agent?.clientRequests(1, [{ ...operation, id: requestId } as ClientRequest], node.now);
    return requestId;
  }
}

/** One agent's place: its disk outlives it. */
export class Node implements World {
  readonly id: string;
  readonly crypto: Crypto;
  readonly #cluster: Cluster;
  agent: Agent | undefined;
  incarnation = 0;
  hardState: HardState = { term: 0, votedFor: "", commit: 0 };
  snapshot: Snapshot | undefined;
  /** Behind the snapshot. */
  entries: Entry[] = [];
  appends = 0;
  readonly answers = new Map<number, ClientResult>();
  nextRequest = 1;
  /** How far its clock is off, ms. To be set while it is down. */
  skewMs = 0;
  readonly events: TimelineEvent[] = [];
  readonly runs: {
    readonly spec: TaskSpec;
    readonly token: number;
    stopped: boolean;
    ended: boolean;
    untilMs: number;
  }[] = [];
  /** How long after it was asked for a turn comes, ms. */
  turnMs = 0;
  /** Tasks that it thinks each agent runs at a time; undefined: as all others think. To be set while it is down. */
  slots: number | undefined;
  /** How long a task takes, ms, and how it ends. */
  taskMs = 50;
  outcome: TaskOutcome = { exitCode: 0, signal: "", error: "", outputTail: "done", durationMs: 50 };
  #turnAsked = false;
  #alarm = 0;

  constructor(id: string, cluster: Cluster) {
    this.id = id;
    this.crypto = new SimKeys(cluster.ids, seededRandom("keys")).of(id);
    this.#cluster = cluster;
  }

  get now(): number {
    return this.#cluster.now + this.skewMs;
  }

  start(): void {
    this.incarnation++;
    const { seed = "test", slots = 2, taskLeaseMs = 1500, timing = TIMING, ...others } = this.#cluster.options;
    const { snapshotEveryEntries = SNAPSHOT_EVERY_ENTRIES, snapshotEveryBytes = SNAPSHOT_EVERY_BYTES } = others;
    const { snapshotChunkBytes = SNAPSHOT_CHUNK_BYTES, consensus } = others;
    const config: AgentConfig = {
      swarm: "test",
      id: this.id,
      ...(consensus !== undefined && { consensus }),
      incarnation: this.incarnation,
      roster: this.#cluster.ids,
      voters: this.#cluster.founders.includes(this.id) ? this.#cluster.founders : [],
      founders: this.#cluster.founders,
      links: this.#cluster.links,
      timing,
      slots: this.slots ?? slots,
      taskLeaseMs,
      snapshotEveryEntries,
      snapshotEveryBytes,
      snapshotChunkBytes,
      seed: `${seed}/${this.id}/${this.incarnation}`,
    };
    const { hardState, snapshot } = this;
    const recovered: RecoveredLog = { hardState, entries: this.entries.slice(), ...(snapshot && { snapshot }) };
    this.agent = new Agent(config, this, recovered, this.now);
    this.agent.start(this.now);
    for (const peer of this.peers()) this.opened(peer);
  }

  /** Both ends see the link come up, if both are there. */
  opened(peer: string): void {
    const other = this.#cluster.node(peer);
    if (this.agent === undefined || other.agent === undefined || this.#cluster.isCut(this.id, peer)) return;
    this.#later(LATENCY_MS, (agent) => agent.linkUp(peer, this.now));
    other.#later(LATENCY_MS, (agent) => agent.linkUp(this.id, other.now));
  }

  /** This end sees the link go down. */
  closed(peer: string): void {
    this.#later(LATENCY_MS, (agent) => agent.linkDown(peer, this.now));
  }

  /** At once, as SIGKILL does. What was not durable is lost. */
  kill(): void {
    this.agent = undefined;
    this.#turnAsked = false;
    this.considering.clear();
    for (const peer of this.peers()) this.#cluster.node(peer).closed(this.id);
  }

  peers(): string[] {
    return this.#cluster.links.flatMap(({ a, b }) => (a === this.id ? [b] : b === this.id ? [a] : []));
  }

  /** Ends a run that is going on. */
  endRun(taskId: string, token: number, outcome: TaskOutcome): void {
    const run = this.runs.find((one) => one.spec.id === taskId && one.token === token);
    if (run === undefined || run.ended) return;
    run.ended = true;
    const end: TaskEnd = { taskId, token, outcome };
    this.agent?.taskEnded(end, this.now);
  }

  // --- World ---

  readonly network = {
    send: (to: string, frame: Uint8Array): void => {
      this.#cluster.onFrame(this.id, to, frame);
      if (!this.#cluster.passes(this.id, to) || this.#cluster.isCut(this.id, to)) return;
      const bytes = frame.slice();
      const other = this.#cluster.node(to);
      other.#later(this.#cluster.latencyMs(this.id, to), (agent) => agent.receive(this.id, bytes, other.now));
    },
  };

  readonly log = {
    append: (batch: LogBatch, durable: () => void): void => {
      this.appends++;
      this.#later(DISK_MS, () => {
        const { snapshot: replacing } = batch;
        if (replacing !== undefined) {
          const { index } = replacing.snapshot;
          this.entries = replacing.discardLog ? [] : this.entries.filter((entry) => entry.index > index);
          this.snapshot = replacing.snapshot;
        }
        const first = batch.entries[0];
        if (first !== undefined)
          this.entries = this.entries.filter(({ index }) => index < first.index).concat(batch.entries);
        if (batch.hardState !== undefined) this.hardState = batch.hardState;
        durable();
        this.requestTurn();
      });
    },
  };

  readonly executor = {
    start: (spec: TaskSpec, token: number): void => {
      this.runs.push({ spec, token, stopped: false, ended: false, untilMs: Number.NaN });
      this.#later(this.taskMs, () => this.endRun(spec.id, token, this.outcome));
    },
    extend: (taskId: string, token: number, untilMs: number): void => {
      const run = this.runs.find((one) => one.spec.id === taskId && one.token === token);
      if (run !== undefined) run.untilMs = untilMs;
    },
    stop: (taskId: string, token: number): void => {
      const run = this.runs.find((one) => one.spec.id === taskId && one.token === token);
      if (run === undefined) return;
      run.stopped = true;
      this.#later(1, () =>
        this.endRun(taskId, token, { exitCode: null, signal: "SIGTERM", error: "", outputTail: "", durationMs: 1 }),
      );
    },
  };

  /** What it considers, until it answers. */
  readonly considering = new Map<string, ProposalSpec>();
  /** How it votes, and how long it takes to make up its mind, ms; undefined: it never does. */
  policy: ((spec: ProposalSpec) => Pick<Judgement, "choice" | "reason">) | undefined = () => ({
    choice: "approve",
    reason: "",
  });
  judgeMs = 5;

  readonly judge = {
    consider: (spec: ProposalSpec): void => {
      this.considering.set(spec.id, spec);
      const { policy } = this;
      if (policy === undefined) return;
      this.#later(this.judgeMs, (agent) => {
        if (this.considering.delete(spec.id)) agent.judged({ proposalId: spec.id, ...policy(spec) }, this.now);
      });
    },
    dismiss: (proposalId: string): void => {
      this.considering.delete(proposalId);
    },
  };

  /** What its process uses. */
  measurement: Measurement = {};

  measure(): void {
    this.#later(1, (agent) => agent.measured(this.measurement, this.now));
  }

  requestTurn(): void {
    if (this.#turnAsked) return;
    this.#turnAsked = true;
    this.#later(this.turnMs, (agent) => {
      this.#turnAsked = false;
      agent.turn(this.now);
    });
  }

  setAlarm(atMs: number): void {
    const alarm = ++this.#alarm;
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#later(Math.max(0, atMs - this.now), (agent) => {
      if (alarm === this.#alarm) agent.alarm(this.now);
    });
  }

  observe(event: TimelineEvent): void {
    this.events.push(event);
  }

  taskOutput(): void {}

  reply(replies: readonly ClientReply[]): void {
    for (const { id, result } of replies) this.answers.set(id, result);
  }

  #later(delayMs: number, input: (agent: Agent) => void): void {
    const life = this.incarnation;
    this.#cluster.after(delayMs, () => {
      if (this.agent !== undefined && life === this.incarnation) input(this.agent);
    });
  }
}

function linkKey(a: string, b: string): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}
