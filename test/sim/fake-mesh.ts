import type { AgentConfig, CoreReport } from "../../server/agent/types.ts";
import type { ClientReply, RecoveredLog, World } from "../../server/agent/world.ts";
import type { ClientRequest } from "../../server/contract/client.ts";
import type { ConsensusStatus } from "../../server/core/consensus.ts";
import { Memory } from "../../server/core/memory/memory.ts";
import { Proposals } from "../../server/core/proposals/proposals.ts";
import { seededRandom } from "../../server/core/random.ts";
import { BeyondPromise } from "../../server/sim/beyond-promise.ts";
import { SimKeys } from "../../server/sim/crypto.ts";
import { FaultBoard } from "../../server/sim/faults.ts";
import type { InspectableAgent } from "../../server/sim/inspectable-agent.ts";
import { SimNetwork } from "../../server/sim/network.ts";
import { Schedule } from "../../server/sim/schedule.ts";
import type { Witness } from "../../server/sim/witness.ts";
import { SimWorld } from "../../server/sim/world.ts";

/** Does nothing by itself and notes what reaches it. */
export class FakeAgent implements InspectableAgent {
  readonly config: AgentConfig;
  readonly world: World;
  readonly recovered: RecoveredLog;
  readonly frames: number[] = [];
  readonly links: string[] = [];
  readonly alarms: number[] = [];
  readonly asked: { readonly connection: number; readonly request: ClientRequest }[] = [];
  readonly machine = {
    index: 0,
    timeMs: 0,
    memory: new Memory(),
    proposals: new Proposals(),
    snapshot: () => new Uint8Array(),
  };
  /** As it knows them; nobody: it does not know. */
  voters: readonly string[] = [];
  startedMs = 0;
  turns = 0;

  constructor(config: AgentConfig, world: World, recovered: RecoveredLog) {
    this.config = config;
    this.world = world;
    this.recovered = recovered;
  }

  start(now: number): void {
    this.startedMs = now;
  }

  linkUp(peer: string): void {
    this.links.push(`up ${peer}`);
  }

  linkDown(peer: string): void {
    this.links.push(`down ${peer}`);
  }

  receive(_peer: string, frame: Uint8Array, _now: number): void {
    this.frames.push(frame[0] as number);
  }

  alarm(now: number): void {
    this.alarms.push(now);
  }

  rosterChanged(): void {}

  judged(): void {}
  measured(): void {}

  turn(): void {
    this.turns++;
  }

  clientRequests(connection: number, requests: readonly ClientRequest[]): void {
    for (const request of requests) this.asked.push({ connection, request });
  }

  clientGone(): void {}
  taskEnded(): void {}
  leave(): void {}

  /** All that is asked of one. */
  get consensusStatus(): ConsensusStatus {
    const configuration = { voters: this.voters };
    return { term: 0, lastIndex: 0, configuration } as Partial<ConsensusStatus> as ConsensusStatus;
  }

  report(): CoreReport {
    return { voters: this.voters } as Partial<CoreReport> as CoreReport;
  }
}

/** Fake agents in a simulated world, all linked. */
export class FakeMesh {
  readonly schedule = new Schedule();
  readonly worlds: readonly SimWorld[];
  readonly network: SimNetwork;
  readonly board: FaultBoard;
  readonly beyondPromise: BeyondPromise;
  readonly failures: string[] = [];
  leader: number | undefined;
  onReplies: (agent: number, replies: readonly ClientReply[]) => void = () => {};
  onCrash: (agent: number) => void = () => {};
  readonly #agents: FakeAgent[] = [];

  constructor(size: number) {
    const roster = Array.from({ length: size }, (_, at) => `a${at + 1}`);
    const nothing = () => {};
    const witness: Witness = {
      delivered: nothing,
      started: nothing,
      crashed: nothing,
      appended: nothing,
      durable: nothing,
      remembering: nothing,
      remembered: nothing,
      observed: nothing,
      turned: nothing,
      executing: nothing,
      failed: (agent, error) => {
        this.failures.push(`${agent}: ${error instanceof Error ? error.message : error}`);
      },
    };
    this.worlds = roster.map(
      (id, index) =>
        new SimWorld({
          index,
          crypto: new SimKeys(roster, seededRandom("keys")).of(id),
          config: {
            swarm: "fake",
            id,
            roster,
            voters: roster,
            links: [],
            timing: {
              profile: "local",
              heartbeatMs: 1,
              electionTimeoutMinMs: 1,
              electionTimeoutMaxMs: 1,
              probeIntervalMs: 400,
              probeTimeoutMs: 100,
              suspicionMultiplier: 1,
              memberHeartbeatMs: 1,
              suspectAfterMs: 1,
              failAfterMs: 1,
              failAfterClosedMs: 1,
            },
            slots: 1,
            taskLeaseMs: 1,
            snapshotEveryEntries: 1000,
            snapshotEveryBytes: 1_000_000,
            seed: id,
          },
          everybody: roster,
          createAgent: (config, world, recovered) => {
            const agent = new FakeAgent(config, world, recovered);
            this.#agents[index] = agent;
            return agent;
          },
          schedule: this.schedule,
          random: seededRandom(id),
          disk: { minMs: 0.1, maxMs: 1, stallEvery: 100, stallMs: 1 },
          maxSkewMs: 50,
          taskFailEvery: 10,
          witness,
          watched: false,
          onReplies: (agent, replies) => this.onReplies(agent, replies),
          onCrash: (agent) => this.onCrash(agent),
        }),
    );
    const links = roster.flatMap((_, a) => roster.slice(a + 1).map((_, b) => [a, a + 1 + b] as const));
    const latency = { minMs: 1, maxMs: 2, tailMs: 0 };
    this.network = new SimNetwork(this.schedule, seededRandom("network"), this.worlds, links, latency);
    for (const world of this.worlds) world.attach(this.network);
    for (const world of this.worlds) world.start();
    const agents = roster.map((id) => ({ id }));
    this.beyondPromise = new BeyondPromise({ consensus: "raft", agents, reads: "readIndex", memory: "consensus" });
    this.board = new FaultBoard(
      this.schedule,
      seededRandom("faults"),
      this.worlds,
      this.network,
      () => this.leader,
      () => {},
      ({ title }, effects) => this.beyondPromise.fault(title, effects, 1),
    );
    this.wait(100);
  }

  agent(index: number): FakeAgent {
    return this.#agents[index] as FakeAgent;
  }

  wait(ms: number): void {
    this.schedule.runUntil(this.schedule.nowUs + ms * 1000, () => false);
  }

  send(from: number, to: number, number: number): void {
    this.network.send(from, to, Uint8Array.of(number));
  }

  /** Who hears whom within 100 ms, as `a1>a2`. */
  reach(): string[] {
    const heard: string[] = [];
    for (const from of this.worlds)
      for (const to of this.worlds) {
        if (from === to) continue;
        const { frames } = this.agent(to.index);
        const before = frames.length;
        this.send(from.index, to.index, 0);
        this.wait(100);
        if (frames.length > before) heard.push(`${from.id}>${to.id}`);
      }
    return heard;
  }
}
