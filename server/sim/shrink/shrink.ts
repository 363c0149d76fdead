/**
 * A failing seed, made small: of its faults, agents, members, clients, operations, tasks and time, what can go while it still fails for the same reason.
 * What a seed draws is made explicit first, so that there is something to take away. Every candidate is run as the file that would be written, so the
 * result is exactly what `agent-mesh simulate` will see. No clock and no chance: the same seed shrinks to the same file.
 */
import type { SeedReport } from "../../contract/coordinator.ts";
import type { Mesh, PlannedFault, SimulatedRun } from "../../contract/mesh.ts";
import { PROPOSALS_BY_DEFAULT } from "../../contract/proposals.ts";
import { parseMesh } from "../../meshfile/mesh-file.ts";
import { linksOf } from "../../meshfile/topology-section.ts";
import { meshText } from "../../meshfile/write.ts";
import { proposes } from "../proposer.ts";
import { type HappenedFault, type SimulateOptions, simulate } from "../simulate.ts";
import { concretePlan } from "./concrete.ts";
import { minimalPart } from "./delta-debugging.ts";
import { expectingOnly, inTime, lasting, neat, simpler, withoutAgent, withRun } from "./smaller.ts";

export interface ShrinkOptions extends Pick<SimulateOptions, "createAgent" | "chaos"> {
  /** Messages delivered in all simulations together, each of which counts RUN_COSTS besides: what it may cost. Absent: MAX_DELIVERED. */
  readonly maxDelivered?: number;
  /** After each step that made it smaller. */
  readonly onSmaller?: (shrunk: Shrunk) => void;
}

export interface Shrunk {
  /** Its `simulate.seed` is the seed that fails. */
  readonly mesh: Mesh;
  readonly report: SeedReport;
  /** Simulations so far. */
  readonly runs: number;
}

/** About a minute. */
export const MAX_DELIVERED = 5_000_000;
/** Seeds that a candidate is given: with other faults a seed draws other things, and another one may fail now. */
const FEWEST_TRIES = 5;
/** More of them as long as all together have delivered less than this: a short run gets more tries for the same time. */
const TRIES_DELIVERED = 25_000;
/** What a run takes besides its messages, in messages. */
const RUN_COSTS = 1000;
/** The steps that all others build on get so many times as many. */
const PATIENT = 4;
const FEWEST_MS = 100;

/** @returns undefined when that seed does not fail */
export function shrink(mesh: Mesh, seed: number, options: ShrinkOptions = {}): Shrunk | undefined {
  const { createAgent, chaos } = options;
  const subject = chaos === undefined ? mesh : withRun(mesh, { chaos });
  const run = simulated(subject, seed, createAgent);
  return run.report.violation === null ? undefined : new Shrinker(subject, seed, run, options).shrunk();
}

interface Run {
  readonly report: SeedReport;
  readonly happened: readonly HappenedFault[];
}

function simulated(mesh: Mesh, seed: number, createAgent: SimulateOptions["createAgent"]): Run {
  const happened: HappenedFault[] = [];
  const onFault = (fault: HappenedFault): unknown => happened.push(fault);
  return { report: simulate(mesh, seed, { ...(createAgent && { createAgent }), onFault }), happened };
}

class Shrinker {
  readonly #options: ShrinkOptions;
  readonly #reason: string;
  #best: Shrunk;
  /** In the best one. */
  #happened: readonly HappenedFault[];
  #runs = 1;
  #delivered: number;

  constructor(mesh: Mesh, seed: number, { report, happened }: Run, options: ShrinkOptions) {
    this.#options = options;
    this.#reason = report.violation?.invariant ?? "";
    this.#delivered = report.delivered;
    this.#best = { mesh: withRun(mesh, { seed }), report, runs: 1 };
    this.#happened = happened;
  }

  shrunk(): Shrunk {
    this.#judgeOnly();
    this.#run({ members: false }, ({ members }) => members !== false);
    this.#fewAgents();
    this.#time();
    for (let before = ""; before !== this.#text && !this.#spent; ) {
      before = this.#text;
      if (this.#best.mesh.simulate?.chaos !== false) this.#makeExplicit();
      this.#time();
      this.#faults();
      this.#run({ members: false }, ({ members }) => members !== false);
      this.#agents();
      this.#tasks();
      this.#proposals();
      this.#clients();
      this.#simplify();
    }
    return { ...this.#best, runs: this.#runs };
  }

  // --- steps ---

  /** Nothing is expected but what broke: what else broke no longer hides it, and no run goes on beyond what can show it. */
  #judgeOnly(): void {
    const { mesh } = this.#best;
    for (const expect of expectingOnly(mesh.expect, this.#reason)) if (this.#accept({ ...mesh, expect })) return;
  }

  /** As few at once as can tolerate a failure, or a few more. One by one comes later. */
  #fewAgents(): void {
    for (const count of [3, 5, 7]) {
      const { mesh } = this.#best;
      if (count >= mesh.agents.length) return;
      const dropped = mesh.agents.slice(count).map(({ id }) => id);
      const fewer = dropped.reduce<Mesh | undefined>((left, id) => left && withoutAgent(left, id), mesh);
      if (fewer && this.#accept(fewer, PATIENT)) return;
    }
  }

  /** In place of chaos, presets and triggers, the faults that came of them. Where that does not fail any more, they stay. */
  #makeExplicit(): void {
    const { mesh } = this.#best;
    const agents = mesh.agents.map(({ id }) => id);
    const faults = concretePlan(this.#happened, agents, linksOf(mesh));
    const members = mesh.simulate?.members ?? mesh.consensus === "raft";
    const explicit = withRun({ ...mesh, faults, chaos: null }, { chaos: false, members });
    const forMs = mesh.simulate?.forMs ?? null;
    this.#accept(forMs === null ? explicit : lasting(explicit, forMs), PATIENT);
  }

  #faults(): void {
    minimalPart(this.#best.mesh.faults, (faults) => this.#accept({ ...this.#best.mesh, faults: inTime(faults) }));
  }

  #agents(): void {
    for (const { id } of this.#best.mesh.agents.toReversed()) {
      const fewer = withoutAgent(this.#best.mesh, id);
      if (fewer) this.#accept(fewer);
    }
  }

  #tasks(): void {
    minimalPart(this.#best.mesh.tasks, (tasks) => this.#accept({ ...this.#best.mesh, tasks }));
  }

  /** Nothing is proposed any more, or all agents vote alike. */
  #proposals(): void {
    const { mesh } = this.#best;
    const { proposals } = mesh;
    if (!proposes(proposals)) return;
    for (const fewer of [PROPOSALS_BY_DEFAULT, { ...proposals, schema: null, policies: {} }])
      if (meshText({ ...mesh, proposals: fewer }) !== this.#text && this.#accept({ ...mesh, proposals: fewer })) return;
  }

  #clients(): void {
    for (const clients of [1, 2, 3]) if (this.#run({ clients }, (now) => (now.clients ?? 4) > clients)) break;
    const begun = this.#best.mesh.simulate?.operations ?? this.#best.report.operations;
    for (let operations = Math.floor(begun / 2); ; operations = Math.floor(operations / 2)) {
      if (!this.#run({ operations }, (now) => (now.operations ?? Number.POSITIVE_INFINITY) > operations)) break;
      if (operations === 0) break;
    }
  }

  /** Ever less of it, from what was before the violation on; faults that would outlast it go on to its end. */
  #time(): void {
    const before = (): number => Math.ceil(this.#best.report.violation?.atMs ?? this.#best.report.virtualMs);
    const shorter = (ms: number): boolean =>
      ms >= FEWEST_MS &&
      ms < (this.#best.mesh.simulate?.forMs ?? Number.POSITIVE_INFINITY) &&
      this.#accept(lasting(this.#best.mesh, ms));
    shorter(before());
    for (const share of [0.5, 0.75, 0.9]) for (let ms = before() * share; shorter(neat(ms)); ms *= share);
  }

  #simplify(): void {
    for (let at = 0; at < this.#best.mesh.faults.length; at++) {
      const { mesh } = this.#best;
      const one = mesh.faults[at] as PlannedFault;
      for (const candidate of simpler(one))
        if (this.#accept({ ...mesh, faults: mesh.faults.with(at, candidate) })) {
          at--;
          break;
        }
    }
  }

  // --- what they need ---

  #run(change: Partial<SimulatedRun>, isLess: (now: Partial<SimulatedRun>) => boolean): boolean {
    const { mesh } = this.#best;
    return isLess(mesh.simulate ?? {}) && this.#accept(withRun(mesh, change));
  }

  /** Keeps the candidate when it is a file that some seed, the last one that failed first, fails in for the same reason. */
  #accept(candidate: Mesh, patience = 1): boolean {
    const { mesh } = parseMesh(meshText(candidate), candidate.name);
    if (mesh === undefined) return false;
    const first = this.#best.mesh.simulate?.seed ?? 1;
    const began = this.#delivered;
    for (let tries = 0; !this.#spent; tries++) {
      if (tries >= FEWEST_TRIES * patience && this.#delivered - began >= TRIES_DELIVERED * patience) break;
      const seed = tries === 0 ? first : tries;
      const run = this.#simulated(mesh, seed);
      if (run?.report.violation?.invariant !== this.#reason) continue;
      this.#best = { mesh: withRun(mesh, { seed }), report: run.report, runs: this.#runs };
      this.#happened = run.happened;
      this.#options.onSmaller?.(this.#best);
      return true;
    }
    return false;
  }

  #simulated(mesh: Mesh, seed: number): Run | undefined {
    this.#runs++;
    this.#delivered += RUN_COSTS;
    try {
      const run = simulated(mesh, seed, this.#options.createAgent);
      this.#delivered += run.report.delivered;
      return run;
    } catch (error) {
      // An agent so wrong that its world cannot go on fails for another reason.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  get #spent(): boolean {
    return this.#delivered >= (this.#options.maxDelivered ?? MAX_DELIVERED);
  }

  get #text(): string {
    return meshText(this.#best.mesh);
  }
}
