/**
 * A simulated swarm that goes on for as long as somebody watches it: the agents that run live, over the simulated network, disks and clocks, as `agent-mesh up` would
 * bring them up. Nothing is checked, no client works on it but those who ask, and no fault happens that is not in the mesh file or asked for. Same mesh, same seed, the same
 * events, however its time is sliced and whatever is read of it meanwhile.
 */
import { Agent } from "../../agent/agent.ts";
import { SNAPSHOT_CHUNK_BYTES, SNAPSHOT_EVERY_BYTES, SNAPSHOT_EVERY_ENTRIES } from "../../agent/settings.ts";
import { Seen } from "../../agent/tamper/byzantine/pbft/seen.ts";
import type { ClientOperation, ClientResult } from "../../contract/client.ts";
import { CONSENSUS } from "../../contract/consensus.ts";
import type { Effect } from "../../contract/faults.ts";
import type { Mesh } from "../../contract/mesh.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";
import type { Link } from "../../core/overlay/types.ts";
import { type Random, seededRandom } from "../../core/random.ts";
import { linksOf } from "../../meshfile/topology-section.ts";
import { zonesOf } from "../../meshfile/zones-section.ts";
import { SimClient } from "../client.ts";
import { EPOCH_MS } from "../clock.ts";
import { SimKeys } from "../crypto.ts";
import { FaultBoard } from "../faults.ts";
import { leaderAmong } from "../leader.ts";
import { SimNetwork } from "../network.ts";
import { configOf, surroundings } from "../profiles.ts";
import { Schedule } from "../schedule.ts";
import type { Witness } from "../witness.ts";
import { SimWorld } from "../world.ts";
import { LinkTroubles } from "./link-troubles.ts";
import type { Run } from "./run.ts";
import { type NewsOfFaults, WatchedFaults } from "./watched-faults.ts";

/** Whom a run tells what happens in it, as it happens. Agents are places in the roster. */
export interface WatchedNews extends NewsOfFaults {
  readonly event: (agent: number, event: TimelineEvent) => void;
  readonly processStarted: (agent: number, incarnation: number) => void;
  readonly processEnded: (agent: number) => void;
}

/** As hardly ever as may be: what fails is to be what somebody asked for. */
const TASK_FAIL_EVERY = 2 ** 31 - 1;
/** A plan begins after so many of the longest election timeouts even where nobody came to lead. */
const PATIENCE_TIMEOUTS = 20;
const TASK_PATIENCE_MS = 60_000;

export class WatchedRun implements Run {
  readonly roster: readonly string[];
  readonly links: readonly Link[];
  readonly schedule = new Schedule();
  readonly worlds: readonly SimWorld[];
  readonly faults: WatchedFaults;
  /** What faults did to frames. */
  readonly troubles = new LinkTroubles();
  readonly #mesh: Mesh;
  readonly #random: Random;
  /** Those of their present lives; undefined: it is down. */
  readonly #agents: (Agent | undefined)[];
  readonly #client: SimClient;
  #planBegun = false;

  constructor(mesh: Mesh, seed: number, news: WatchedNews) {
    this.#mesh = mesh;
    this.#random = seededRandom(`watch/${seed}`);
    const random = this.#random;
    this.roster = mesh.agents.map(({ id }) => id);
    this.links = linksOf(mesh, this.roster);
    this.#agents = this.roster.map(() => undefined);
    const keys = new SimKeys(this.roster, random.fork("keys"));
    const config = {
      ...configOf(mesh),
      roster: this.roster,
      voters: this.roster,
      links: this.links,
      snapshotEveryEntries: SNAPSHOT_EVERY_ENTRIES,
      snapshotEveryBytes: SNAPSHOT_EVERY_BYTES,
      snapshotChunkBytes: SNAPSHOT_CHUNK_BYTES,
    };
    const liarsSaw = new Seen();
    const witness = this.#witness(news);
    const told = (effect: Effect): void => this.troubles.happened(effect);
    this.worlds = this.roster.map((id, index) => {
      return new SimWorld({
        index,
        config: { ...config, id, seed: `${seed}/${id}` },
        everybody: this.roster,
        createAgent: (own, world, recovered, now) => {
          const agent = new Agent(own, world, recovered, now);
          this.#agents[index] = agent;
          return agent;
        },
        crypto: keys.of(id),
        liarsSaw,
        schedule: this.schedule,
        random: random.fork(id),
        disk: surroundings(mesh.timing).disk,
        // As those of one machine, on which swarms run.
        maxSkewMs: 0,
        taskFailEvery: TASK_FAIL_EVERY,
        policy: mesh.proposals.policies[id] ?? mesh.proposals.policy,
        witness,
        watched: true,
        onReplies: (agent, replies) => {
          for (const reply of replies) this.#client.replied(agent, reply);
        },
        onCrash: (agent) => {
          this.#agents[agent] = undefined;
          this.#client.agentCrashed(agent);
          this.faults.crashed();
        },
        onRefusal: (starting) => this.faults.refused(index, starting),
      });
    });
    const place = new Map(this.roster.map((id, index) => [id, index]));
    const network = new SimNetwork(
      this.schedule,
      random.fork("network"),
      this.worlds,
      this.links.map(({ a, b }) => [place.get(a) as number, place.get(b) as number]),
      surroundings(mesh.timing).latency,
      config.overlay !== undefined,
    );
    network.onEffect = told;
    for (const world of this.worlds) world.attach(network);
    const board = new FaultBoard(
      this.schedule,
      random.fork("faults"),
      this.worlds,
      network,
      () => leaderAmong(this.worlds),
      () => this.faults.changed(),
      (fault, effects) => this.faults.began(fault, effects),
      undefined,
      zonesOf(mesh.agents),
    );
    this.faults = new WatchedFaults(this, mesh, board, random.fork("plan"), news);
    const attemptMs = mesh.timing.electionTimeoutMaxMs;
    this.#client = new SimClient(this.schedule, random.fork("client"), this.worlds, "watcher", attemptMs);
  }

  /** All agents start at once; when they know who leads, or run where nobody does, the mesh file's plan and tasks begin. */
  start(): void {
    for (const world of this.worlds) world.start();
    this.#awaitReady();
  }

  /** It goes on for as long as somebody watches. */
  get verdict(): undefined {
    return undefined;
  }

  /** Virtual time since the start, ms. */
  get virtualMs(): number {
    return this.schedule.nowMs;
  }

  /** What a clock without a fault shows, ms since the epoch. */
  get nowMs(): number {
    return EPOCH_MS + this.schedule.nowMs;
  }

  agent(place: number): Agent | undefined {
    return this.#agents[place];
  }

  advance(untilMs: number, enough: () => boolean): void {
    this.schedule.runUntil(Math.floor(untilMs * 1000), enough);
  }

  /** One after the other, at whichever agent answers. @param patienceMs of virtual time; then done is told of nothing */
  perform(operation: ClientOperation, patienceMs: number, done: (result: ClientResult | undefined) => void): void {
    this.#client.perform(operation, patienceMs, done);
  }

  #awaitReady(): void {
    const { electionTimeoutMinMs, electionTimeoutMaxMs } = this.#mesh.timing;
    const patienceMs = PATIENCE_TIMEOUTS * electionTimeoutMaxMs;
    const look = (): void => {
      if (this.#ready() || this.schedule.nowMs >= patienceMs) this.#beginPlan();
      else this.schedule.afterMs(electionTimeoutMinMs / 2, look);
    };
    this.schedule.afterMs(electionTimeoutMinMs, look);
  }

  #ready(): boolean {
    const led = CONSENSUS[this.#mesh.consensus].leader !== "";
    const first = this.#agents[0]?.consensusStatus.leader ?? "";
    return this.#agents.every((agent) => {
      if (agent === undefined) return false;
      return !led || (first !== "" && agent.consensusStatus.leader === first);
    });
  }

  #beginPlan(): void {
    if (this.#planBegun) return;
    this.#planBegun = true;
    this.faults.beginPlan();
    for (const { id, command, args, cwd, timeoutMs, maxAttempts, agent } of this.#mesh.tasks) {
      const task = { id, command, args, cwd, timeoutMs, maxAttempts, agent };
      this.#client.perform({ op: "submitTask", task }, TASK_PATIENCE_MS, () => {
        // Tasks are shown as the agents have them: one that never came to be is not there.
      });
    }
  }

  #witness(news: WatchedNews): Witness {
    const nothing = (): void => undefined;
    return {
      delivered: nothing,
      appended: nothing,
      durable: nothing,
      remembering: nothing,
      remembered: nothing,
      executing: nothing,
      turned: nothing,
      started: (agent, incarnation) => news.processStarted(agent, incarnation),
      crashed: (agent) => news.processEnded(agent),
      observed: (agent, event) => {
        this.faults.happened(event);
        news.event(agent, event);
      },
      failed: (agent, error) => this.faults.failed(agent, error),
    };
  }
}
