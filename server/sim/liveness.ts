import { overlayProblem, ownLinks } from "../agent/overlay-problem.ts";
import { CONSENSUS } from "../contract/consensus.ts";
import type { Mesh } from "../contract/mesh.ts";
import { sideText } from "../contract/partition.ts";
import type { TaskInfo } from "../contract/swarm.ts";
import { overlayOf } from "../core/overlay/types.ts";
import { convergenceBoundMs, detectionBoundMs, livenessBoundMs, overlayBoundMs } from "../meshfile/expect-defaults.ts";
import { tokenOfRun } from "./executor.ts";
import { holderOf, type InspectableAgent } from "./inspectable-agent.ts";
import type { Inspector } from "./inspector.ts";
import type { Schedule } from "./schedule.ts";
import type { Workload } from "./workload.ts";
import type { SimWorld } from "./world.ts";

/** Under which name it is told that something did not come. */
export type Promised = "liveness" | "recovery" | "convergence";

/** A part of a run that takes virtual time: it gives the time, µs, that is to have come before it goes on, or a promise to have broken. */
export type Part<Result> = Generator<number, Result, void>;

/** Lets virtual time pass until something good has happened, or says that it did not. */
export class Liveness {
  readonly #schedule: Schedule;
  readonly #inspector: Inspector;
  readonly #worlds: readonly SimWorld[];
  readonly #workload: Workload;
  readonly #stepMs: number;
  /** A leader of Raft's commits an entry of its term first; a primary leads without one. */
  readonly #beginsWithAnEntry: boolean;
  /** Nobody leads: all come to the same by themselves. */
  readonly #leaderless: boolean;
  readonly #convergenceBoundMs: number;
  readonly #detectionBoundMs: number;
  /** Of agents that look for their links themselves. */
  readonly #overlayDegree: number | undefined;
  readonly #overlayBoundMs: number;
  /** Where a mesh file gives no bound. */
  readonly boundMs: number;

  constructor(mesh: Mesh, schedule: Schedule, inspector: Inspector, worlds: readonly SimWorld[], workload: Workload) {
    this.#schedule = schedule;
    this.#inspector = inspector;
    this.#worlds = worlds;
    this.#workload = workload;
    this.#beginsWithAnEntry = mesh.consensus === "raft";
    this.#leaderless = CONSENSUS[mesh.consensus].leader === "";
    this.#convergenceBoundMs = convergenceBoundMs(mesh);
    this.#detectionBoundMs = detectionBoundMs(mesh);
    this.#overlayDegree = overlayOf(mesh.topology.kind, mesh.topology.degree)?.degree;
    this.#overlayBoundMs = overlayBoundMs(mesh);
    this.#stepMs = mesh.timing.heartbeatMs / 2;
    this.boundMs = livenessBoundMs(mesh);
  }

  /** All of these agents name the same leader of the same term, and have committed and applied the same; where nobody leads, they hold the same. */
  *settles(what: string, worlds: readonly SimWorld[], promised: Promised, withinMs: number): Part<boolean> {
    if (this.#leaderless) return yield* this.converges(worlds, promised);
    return yield* this.until(what, promised, withinMs, () => {
      const statusOf = (world: SimWorld) => (world.running ? world.agent?.consensusStatus : undefined);
      const appliedBy = (world: SimWorld) => world.agent?.machine.index;
      const first = worlds[0] && statusOf(worlds[0]);
      if (first === undefined || first.leader === "" || appliedBy(worlds[0] as SimWorld) !== first.commit) return false;
      if (this.#beginsWithAnEntry && first.commit === 0) return false;
      return worlds.every((world, at) => {
        const status = at === 0 ? first : statusOf(world);
        return (
          status !== undefined &&
          status.leader === first.leader &&
          status.term === first.term &&
          status.commit === first.commit &&
          appliedBy(world) === first.commit
        );
      });
    });
  }

  /** All of these agents run and hold the same memory and the same proposals, within a bound of rounds of anti-entropy. */
  *converges(worlds: readonly SimWorld[], promised: Promised): Part<boolean> {
    const differ = (): string | undefined => {
      const down = worlds.filter(({ running, agent }) => !running || agent === undefined);
      if (down.length > 0) return `${down.map(({ id }) => id).join(", ")} not running`;
      const states = worlds.map(({ index, agent }) => [index, holderOf(agent as InspectableAgent)] as const);
      return this.#inspector.gossip?.difference(states);
    };
    const whose = promised === "recovery" ? worlds.map(({ id }) => id).join(", ") : "all agents";
    const what = () => `${whose} hold the same (${differ()})`;
    return yield* this.until(what, "convergence", this.#convergenceBoundMs, () => differ() === undefined);
  }

  /**
   * These agents agree on a leader, where there is one, and a client of each writes and reads.
   * @returns how long that took, ms; undefined when it did not come in time, which the inspector then knows
   */
  *served(worlds: readonly SimWorld[], promised: Promised, withinMs: number): Part<number | undefined> {
    const beganMs = this.#schedule.nowMs;
    const leftMs = (): number => Math.max(0, beganMs + withinMs - this.#schedule.nowMs);
    const whose = promised === "liveness" ? "after all is healed" : `among ${worlds.map(({ id }) => id).join(", ")}`;
    // Without one each answers at once, and comes to the same as the others while it does.
    if (!this.#leaderless && !(yield* this.settles(`a leader ${whose}`, worlds, promised, withinMs))) return undefined;
    let answered = 0;
    let refused = 0;
    for (const world of worlds)
      this.#workload.probe(world.index, leftMs(), (ok) => {
        if (ok) answered++;
        else refused++;
      });
    const done = () => answered === worlds.length || refused > 0;
    if (!(yield* this.until(`a write and a read by each agent ${whose}`, promised, leftMs(), done))) return undefined;
    if (refused === 0) {
      const tookMs = this.#schedule.nowMs - beganMs;
      return !this.#leaderless || (yield* this.converges(worlds, promised)) ? tookMs : undefined;
    }
    this.#inspector.broken(promised, `${whose}, and an operation still fails; ${this.#describe()}`);
    return undefined;
  }

  /**
   * Waits until these agents, and nobody else, are alive in the eyes of each of them, and none of them holds itself for cut off or behind: nobody stays suspected for ever, sides that were apart
   * have met again, and have caught up.
   */
  *agreeOnWhoIsAlive(worlds: readonly SimWorld[]): Part<boolean> {
    const wrong = (): string | undefined => {
      for (const { id, agent, now } of worlds) {
        const report = agent?.report(now);
        for (const { id: of, state } of report?.members ?? []) {
          const there = worlds.some((world) => world.id === of);
          if (there !== (state === "alive")) return `${id} holds ${of} ${state}`;
        }
        if (report?.partition !== undefined && report.partition.state !== "whole")
          return `${id} says of itself that it is ${sideText(id, report.partition)}`;
      }
      return undefined;
    };
    const what = () => `all agree on who is alive (${wrong()})`;
    return yield* this.until(what, "liveness", this.boundMs + this.#detectionBoundMs, () => wrong() === undefined);
  }

  /** Waits until agents that look for their links themselves have come to an overlay that is whole; where links are configured, there is nothing to wait for. */
  *overlayMends(worlds: readonly SimWorld[]): Part<boolean> {
    const degree = this.#overlayDegree;
    if (degree === undefined) return true;
    const wrong = (): string | undefined =>
      overlayProblem(
        worlds.map(({ id, agent, now }) => ownLinks(id, agent?.report(now))),
        degree,
      );
    return yield* this.until(
      () => `the overlay is whole (${wrong()})`,
      "liveness",
      this.#overlayBoundMs,
      () => wrong() === undefined,
    );
  }

  /** Waits until each acknowledged task is final, and has the ledger judged. */
  *tasksFinish(): Part<boolean> {
    let tasks: readonly TaskInfo[] | undefined;
    const open = () => tasks === undefined || tasks.some(({ state }) => state === "pending" || state === "leased");
    let asking = false;
    const done = yield* this.until("acknowledged tasks finish", "liveness", this.boundMs, () => {
      if (!asking && open()) {
        asking = true;
        this.#workload.listTasks(this.boundMs, (list) => {
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

  /** Waits until nothing is open any more of what was put to the vote: what its voters do not decide expires. */
  *proposalsDecided(members: readonly SimWorld[]): Part<boolean> {
    const open = () =>
      members.flatMap(({ agent }) => agent?.machine.proposals.list().filter(({ state }) => state === "open") ?? []);
    // An agent that has not applied all of it yet may be the only one that holds it open, or not hold it yet.
    if (!(yield* this.settles("agreement on what is proposed", members, "liveness", this.boundMs))) return false;
    const slowestMs = Math.min(...members.map(({ now }) => now));
    const lastMs = open().reduce((ms, { deadlineMs }) => Math.max(ms, deadlineMs), slowestMs);
    const withinMs = Math.ceil(lastMs - slowestMs) + this.boundMs;
    return yield* this.until("proposals are decided", "liveness", withinMs, () => open().length === 0);
  }

  /** Runs until it holds; a violation when it does not in time. */
  *until(what: string | (() => string), promised: Promised, withinMs: number, holds: () => boolean): Part<boolean> {
    const deadlineMs = this.#schedule.nowMs + withinMs;
    while (this.#inspector.violation === null) {
      if (holds()) return true;
      if (this.#schedule.nowMs >= deadlineMs) {
        const faults = promised === "recovery" ? "with a whole majority" : "without faults";
        this.#inspector.broken(
          promised,
          `${typeof what === "string" ? what : what()}: not within ${Math.round(withinMs)} ms ${faults}; ${this.#describe()}`,
        );
        break;
      }
      const stepMs = Math.min(this.#stepMs, Math.max(0.001, deadlineMs - this.#schedule.nowMs));
      yield this.#schedule.nowUs + Math.round(stepMs * 1000);
    }
    return false;
  }

  #describe(): string {
    return this.#worlds
      .map(({ id, agent, state, now, refusal }) => {
        const report = agent?.report(now);
        if (!report) return `${id} ${state}${refusal === "" ? "" : ` (${refusal})`}`;
        const { role, term, leader, commit, applied, lastIndex, gossip } = report;
        if (gossip !== undefined)
          return `${id} (has ${lastIndex} operations, applied ${applied}, ${gossip.sameVector} of ${gossip.members} are known to have as many)`;
        return `${id} ${role} of term ${term} (leader ${leader || "unknown"}, commit ${commit}, applied ${applied}, last ${lastIndex})`;
      })
      .join("; ");
  }
}
