import { SNAPSHOT_EVERY_BYTES, SNAPSHOT_EVERY_ENTRIES } from "../agent/settings.ts";
import type { AgentConfig } from "../agent/types.ts";
import type { SeedReport } from "../contract/coordinator.ts";
import type { FaultSpec } from "../contract/faults.ts";
import type { Mesh, PlannedFault } from "../contract/mesh.ts";
import type { TaskInfo } from "../contract/swarm.ts";
import { buildLinks } from "../core/overlay/topology.ts";
import { type Random, seededRandom } from "../core/random.ts";
import { FaultRefusal } from "../meshfile/faults/refusal.ts";
import { hasOpenTarget } from "../meshfile/faults/resolve.ts";
import { type ChaosPlan, chaosPlan } from "./chaos.ts";
import { tokenOfRun } from "./executor.ts";
import { FaultBoard } from "./faults.ts";
import { History } from "./history.ts";
import { Inspector } from "./inspector.ts";
import { CALM, SimNetwork } from "./network.ts";
import { surroundings } from "./profiles.ts";
import { Schedule } from "./schedule.ts";
import type { SimulateOptions } from "./simulate.ts";
import { Workload } from "./workload.ts";
import { type AgentFactory, SimWorld } from "./world.ts";

type Options = SimulateOptions & { readonly createAgent: AgentFactory };

const DEFAULT_CLIENTS = 4;
/** Of the longest election timeouts: the middle part, and how long liveness may take to show. */
const DURATION_TIMEOUTS = 30;
const LIVENESS_TIMEOUTS = 40;

/** One run of one seed. */
export class Simulation {
  readonly #mesh: Mesh;
  readonly #seed: number;
  readonly #options: Options;
  readonly #random: Random;
  readonly #schedule = new Schedule();
  readonly #roster: readonly string[];
  readonly #links: readonly { readonly a: string; readonly b: string }[];
  readonly #inspector: Inspector;
  readonly #worlds: readonly SimWorld[];
  readonly #network: SimNetwork;
  readonly #board: FaultBoard;
  readonly #history = new History();
  readonly #workload: Workload;
  readonly #timeoutMs: number;
  /** Faults are over. */
  #quiet = false;
  readonly #broken = (): boolean => this.#inspector.violation !== null;

  constructor(mesh: Mesh, seed: number, options: Options) {
    this.#mesh = mesh;
    this.#seed = seed;
    this.#options = options;
    this.#random = seededRandom(`simulate/${seed}`);
    this.#roster = mesh.agents.map(({ id }) => id);
    this.#timeoutMs = mesh.timing.electionTimeoutMaxMs;
    this.#inspector = new Inspector(this.#schedule, this.#roster, options.onEvent);
    const links = buildLinks(mesh.topology.kind, this.#roster, mesh.topology.links);
    this.#links = links;
    this.#worlds = this.#roster.map((id, index) => {
      const config: Omit<AgentConfig, "incarnation"> = {
        swarm: mesh.name,
        id,
        roster: this.#roster,
        voters: this.#roster,
        links,
        timing: mesh.timing,
        slots: mesh.slots,
        taskLeaseMs: mesh.taskLeaseMs,
        snapshotEveryEntries: SNAPSHOT_EVERY_ENTRIES,
        snapshotEveryBytes: SNAPSHOT_EVERY_BYTES,
        seed: `${seed}/${id}`,
      };
      return new SimWorld({
        index,
        config,
        createAgent: options.createAgent,
        schedule: this.#schedule,
        random: this.#random.fork(id),
        disk: surroundings(mesh.timing).disk,
        maxSkewMs: Math.round(mesh.timing.electionTimeoutMinMs / 4),
        taskFailEvery: 10,
        witness: this.#inspector,
        watchMessages: options.onEvent !== undefined,
        onReplies: (agent, replies) => this.#workload.replied(agent, replies),
        onCrash: (agent) => this.#workload.agentCrashed(agent),
      });
    });
    const place = new Map(this.#roster.map((id, index) => [id, index]));
    this.#network = new SimNetwork(
      this.#schedule,
      this.#random.fork("network"),
      this.#worlds,
      links.map(({ a, b }) => [place.get(a) as number, place.get(b) as number]),
      surroundings(mesh.timing).latency,
    );
    for (const world of this.#worlds) world.attach(this.#network);
    this.#board = new FaultBoard(this.#schedule, this.#random.fork("faults"), this.#worlds, this.#network, () =>
      this.#leader(),
    );
    this.#workload = new Workload(
      this.#schedule,
      this.#random.fork("workload"),
      this.#worlds,
      this.#history,
      {
        clients: options.clients ?? DEFAULT_CLIENTS,
        keys: 4,
        thinkMs: mesh.timing.electionTimeoutMinMs / 10,
        attemptMs: mesh.timing.electionTimeoutMaxMs,
        patienceMs: mesh.timing.electionTimeoutMaxMs * 6,
        taskEvery: 15,
      },
      {
        taskAcknowledged: (id) => this.#inspector.tasks.acknowledged(id),
        surprised: (detail) => this.#inspector.broken("clients are understood", detail),
      },
    );
  }

  run(): SeedReport {
    for (const world of this.#worlds) world.start();
    if (this.#settle("a first leader")) {
      this.#underFaults();
      if (!this.#broken()) this.#healed();
      if (!this.#broken()) this.#inspector.memory.check(this.#history.operations);
    }
    return {
      seed: this.#seed,
      traceHash: this.#inspector.traceHash,
      virtualMs: Math.round(this.#schedule.nowMs),
      delivered: this.#network.delivered,
      elections: this.#inspector.electionsWon,
      committed: this.#inspector.committed,
      operations: this.#workload.finished,
      violation: this.#inspector.violation,
    };
  }

  // --- the middle part ---

  #underFaults(): void {
    const { faults, tasks, timing } = this.#mesh;
    const planMs = Math.max(0, ...faults.map(({ atMs, fault }) => atMs + (fault.forMs ?? 0)));
    const lengthMs = Math.max(planMs, this.#options.durationMs ?? this.#timeoutMs * DURATION_TIMEOUTS);
    this.#follow(faults);
    if (this.#options.chaos ?? faults.length === 0)
      this.#unleash(chaosPlan(this.#random.fork("chaos"), this.#roster, this.#links, timing, lengthMs), lengthMs);
    for (const task of tasks) this.#workload.submitTask({ ...task }, lengthMs, () => {});
    this.#workload.start();
    const endMs = this.#schedule.nowMs + lengthMs;
    // Snapshots cost as much as some hundred messages.
    const stepMs = timing.electionTimeoutMaxMs;
    while (this.#schedule.nowMs < endMs && !this.#broken()) {
      this.#runFor(Math.min(stepMs, endMs - this.#schedule.nowMs));
      this.#compareStates();
    }
  }

  #follow(faults: readonly PlannedFault[]): void {
    for (const { atMs, fault } of faults) this.#schedule.afterMs(atMs, () => this.#inject(fault));
  }

  /** A fault for the leader waits until there is one that it can hit. @throws FaultRefusal for what never makes sense, or is not possible here */
  #inject(fault: FaultSpec): void {
    if (this.#quiet) return;
    try {
      this.#board.inject(fault);
    } catch (error) {
      if (!(error instanceof FaultRefusal) || error.reason === "notPossibleHere" || !hasOpenTarget(fault)) throw error;
      this.#schedule.afterMs(this.#mesh.timing.heartbeatMs, () => this.#inject(fault));
    }
  }

  #unleash(plan: ChaosPlan, lengthMs: number): void {
    this.#network.weather = plan.weather;
    this.#follow(plan.faults);
    const random = this.#random.fork("breaks");
    const breakSoon = () =>
      this.#schedule.afterMs(plan.breakEveryMs * 2 * random.float(), () => {
        if (this.#quiet) return;
        const agent = random.int(0, this.#worlds.length - 1);
        const neighbours = this.#network.neighbours(agent);
        if (neighbours.length > 0) this.#network.breakLink(agent, random.pick(neighbours));
        breakSoon();
      });
    if (plan.breakEveryMs <= lengthMs) breakSoon();
  }

  // --- the last part ---

  #healed(): void {
    this.#quiet = true;
    this.#workload.stop();
    this.#network.weather = CALM;
    this.#board.healAll();
    if (!this.#until("no operation is left hanging", () => this.#workload.busy === 0)) return;
    if (!this.#settle("a leader after all is healed")) return;
    let answered = 0;
    let refused = 0;
    for (const world of this.#worlds)
      this.#workload.probe(world.index, this.#livenessMs, (ok) => {
        if (ok) answered++;
        else refused++;
      });
    const probes = this.#worlds.length;
    if (!this.#until("each agent serves a write and a read", () => answered === probes || refused > 0)) return;
    if (refused > 0) {
      this.#inspector.broken("liveness", "all is healed, and an operation still fails");
      return;
    }
    if (!this.#tasksFinish()) return;
    this.#settle("agreement at the end");
    this.#compareStates();
  }

  /** Waits until each acknowledged task is final, and has the ledger judged. */
  #tasksFinish(): boolean {
    let tasks: readonly TaskInfo[] | undefined;
    const open = () => tasks === undefined || tasks.some(({ state }) => state === "pending" || state === "leased");
    let asking = false;
    const done = this.#until("acknowledged tasks finish", () => {
      if (!asking && open()) {
        asking = true;
        this.#workload.listTasks(this.#livenessMs, (list) => {
          tasks = list;
          asking = false;
        });
      }
      return !asking && !open();
    });
    const ends = (tasks ?? []).map((task) => ({ ...task, ranUnder: tokenOfRun(task.outputTail) }));
    if (done) this.#inspector.tasks.end("the mesh", ends);
    return done;
  }

  // --- what all parts need ---

  get #livenessMs(): number {
    return this.#timeoutMs * LIVENESS_TIMEOUTS + this.#mesh.taskLeaseMs * 4;
  }

  /** All agents name the same leader of the same term, and have committed and applied the same. */
  #settle(what: string): boolean {
    return this.#until(what, () => {
      const reports = this.#worlds.map((world) => world.agent?.report(world.now));
      const first = reports[0];
      return (
        first !== undefined &&
        first.leader !== "" &&
        reports.every(
          (report) =>
            report !== undefined &&
            report.leader === first.leader &&
            report.term === first.term &&
            report.commit === first.commit &&
            report.applied === first.commit,
        ) &&
        first.commit > 0
      );
    });
  }

  /** Runs until it holds; a liveness violation when it does not in time. */
  #until(what: string, holds: () => boolean): boolean {
    const deadlineMs = this.#schedule.nowMs + this.#livenessMs;
    while (!this.#broken()) {
      if (holds()) return true;
      if (this.#schedule.nowMs >= deadlineMs) {
        this.#inspector.broken(
          "liveness",
          `${what}: not within ${Math.round(this.#livenessMs)} ms without faults; ${this.#describe()}`,
        );
        break;
      }
      this.#runFor(this.#mesh.timing.heartbeatMs / 2);
    }
    return false;
  }

  #runFor(ms: number): void {
    this.#schedule.runUntil(this.#schedule.nowUs + Math.round(ms * 1000), this.#broken);
  }

  #compareStates(): void {
    for (const { agent, index } of this.#worlds)
      if (agent) this.#inspector.snapshot(index, agent.machine.index, agent.machine.snapshot());
  }

  /** Who leads the highest term. */
  #leader(): number | undefined {
    let leader: number | undefined;
    let highest = -1;
    for (const { agent, index, now, running } of this.#worlds) {
      const report = running ? agent?.report(now) : undefined;
      if (report?.role !== "leader" || report.term <= highest) continue;
      leader = index;
      highest = report.term;
    }
    return leader;
  }

  #describe(): string {
    return this.#worlds
      .map(({ id, agent, state, now }) => {
        const report = agent?.report(now);
        if (!report) return `${id} ${state}`;
        const { role, term, leader, commit, applied, lastIndex } = report;
        return `${id} ${role} of term ${term} (leader ${leader || "unknown"}, commit ${commit}, applied ${applied}, last ${lastIndex})`;
      })
      .join("; ");
  }
}
