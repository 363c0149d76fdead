/**
 * A failing seed, made small: of its faults, agents, members, clients, operations, tasks and time, what can go while it still fails for the same reason.
 * What a seed draws is made explicit first, so that there is something to take away. Every candidate is run as the file that would be written, so the
 * result is exactly what `agent-mesh simulate` will see. No clock and no chance: the same seed shrinks to the same file.
 */
import type { SeedReport } from "../../contract/coordinator.ts";
import type { Mesh, PlannedFault, SimulatedRun } from "../../contract/mesh.ts";
import { buildLinks } from "../../core/overlay/topology.ts";
import { parseMesh } from "../../meshfile/mesh-file.ts";
import { meshText } from "../../meshfile/write.ts";
import { type HappenedFault, type SimulateOptions, simulate } from "../simulate.ts";
import { concretePlan } from "./concrete.ts";
import { minimalPart } from "./delta-debugging.ts";
import { simpler, withoutAgent } from "./smaller.ts";

export interface ShrinkOptions extends Pick<SimulateOptions, "createAgent" | "chaos"> {
  /** Simulations at most. */
  readonly maxRuns?: number;
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

const MAX_RUNS = 2000;
/** Seeds that a candidate is given: with other faults a seed draws other things, and another one may fail now. */
const TRIES = 5;
/** The same for the step from drawn to explicit faults, on which the others build. */
const CONCRETE_TRIES = 40;
const FEWEST_MS = 100;

/** @returns undefined when that seed does not fail */
export function shrink(mesh: Mesh, seed: number, options: ShrinkOptions = {}): Shrunk | undefined {
  const happened: HappenedFault[] = [];
  const { createAgent, chaos } = options;
  const run = { ...(createAgent && { createAgent }), ...(chaos === undefined ? {} : { chaos }) };
  const report = simulate(mesh, seed, { ...run, onFault: (fault) => happened.push(fault) });
  if (report.violation === null) return undefined;
  return new Shrinker(mesh, seed, report, options).shrunk(happened);
}

class Shrinker {
  readonly #options: ShrinkOptions;
  readonly #reason: string;
  #best: Shrunk;
  #runs = 1;

  constructor(mesh: Mesh, seed: number, report: SeedReport, options: ShrinkOptions) {
    this.#options = options;
    this.#reason = report.violation?.invariant ?? "";
    this.#best = { mesh: withRun(mesh, { seed, ...(options.chaos ? { chaos: true } : {}) }), report, runs: 1 };
  }

  shrunk(happened: readonly HappenedFault[]): Shrunk {
    this.#makeExplicit(happened);
    for (let before = ""; before !== this.#text && !this.#spent; ) {
      before = this.#text;
      this.#faults();
      this.#run({ members: false }, ({ members }) => members !== false);
      this.#agents();
      this.#tasks();
      this.#clients();
      this.#time();
      this.#simplify();
    }
    return { ...this.#best, runs: this.#runs };
  }

  // --- steps ---

  /** In place of chaos, presets and triggers, the faults that came of them. Where that does not fail any more, they stay. */
  #makeExplicit(happened: readonly HappenedFault[]): void {
    const { mesh } = this.#best;
    const agents = mesh.agents.map(({ id }) => id);
    const faults = concretePlan(happened, agents, buildLinks(mesh.topology.kind, agents, mesh.topology.links));
    const explicit = { ...mesh, faults, chaos: null };
    if (this.#accept(withRun(explicit, { chaos: false, members: false }), CONCRETE_TRIES)) return;
    this.#accept(withRun(explicit, { chaos: false, members: true }), CONCRETE_TRIES);
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

  #clients(): void {
    for (const clients of [1, 2, 3]) if (this.#run({ clients }, (now) => (now.clients ?? 4) > clients)) break;
    const begun = this.#best.mesh.simulate?.operations ?? this.#best.report.operations;
    for (let operations = Math.floor(begun / 2); ; operations = Math.floor(operations / 2)) {
      if (!this.#run({ operations }, (now) => (now.operations ?? Number.POSITIVE_INFINITY) > operations)) break;
      if (operations === 0) break;
    }
  }

  #time(): void {
    const longest = this.#best.mesh.simulate?.forMs ?? this.#best.report.virtualMs;
    for (let forMs = Math.floor(longest / 2); forMs >= FEWEST_MS; forMs = Math.floor(forMs / 2))
      if (!this.#run({ forMs }, (now) => (now.forMs ?? Number.POSITIVE_INFINITY) > forMs)) break;
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

  /** Keeps the candidate when it is a file that a few seeds, the last one that failed first, fail in for the same reason. */
  #accept(candidate: Mesh, tries = TRIES): boolean {
    const { mesh } = parseMesh(meshText(candidate), candidate.name);
    if (mesh === undefined) return false;
    const first = this.#best.mesh.simulate?.seed ?? 1;
    for (let seed = 0; seed < tries && !this.#spent; seed++) {
      const tried = seed === 0 ? first : seed;
      const report = this.#simulated(mesh, tried);
      if (report?.violation?.invariant !== this.#reason) continue;
      this.#best = { mesh: withRun(mesh, { seed: tried }), report, runs: this.#runs };
      this.#options.onSmaller?.(this.#best);
      return true;
    }
    return false;
  }

  #simulated(mesh: Mesh, seed: number): SeedReport | undefined {
    this.#runs++;
    const { createAgent } = this.#options;
    try {
      return simulate(mesh, seed, { ...(createAgent && { createAgent }) });
    } catch (error) {
      // An agent so wrong that its world cannot go on fails for another reason.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  get #spent(): boolean {
    return this.#runs >= (this.#options.maxRuns ?? MAX_RUNS);
  }

  get #text(): string {
    return meshText(this.#best.mesh);
  }
}

const DRAWN: SimulatedRun = { seed: null, forMs: null, clients: null, operations: null, chaos: null, members: null };

function withRun(mesh: Mesh, change: Partial<SimulatedRun>): Mesh {
  return { ...mesh, simulate: { ...DRAWN, ...mesh.simulate, ...change } };
}

/** The plan's order is that of its times. */
function inTime(faults: readonly PlannedFault[]): readonly PlannedFault[] {
  const when = ({ trigger }: PlannedFault): number => (trigger.on === "time" ? trigger.atMs : 0);
  return faults.toSorted((a, b) => when(a) - when(b));
}
