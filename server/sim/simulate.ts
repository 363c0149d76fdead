/**
 * A mesh in virtual time: the agents that run live, over a network, disks and clocks that one seed drives. Same mesh, same seed, same options: the same
 * run, to the last bit, and so the same trace hash.
 *
 * A run has four parts. Until a leader is known by all; then work under faults (the mesh file's plan, or chaos drawn from the seed), during which safety is
 * checked at every step; then a drawn majority is healed while the others stay broken, and must serve (as FoundationDB's and TigerBeetle's simulators ask of theirs);
 * then everything is healed and liveness is checked: a leader, agreement, every operation succeeds. Where nobody leads, work begins at once, any number of agents is healed first, each serves by itself,
 * and in the end all hold the same.
 */
import { Agent } from "../agent/agent.ts";
import type { SeedReport } from "../contract/coordinator.ts";
import type { ActiveFault, Effect, FaultSpec } from "../contract/faults.ts";
import type { Mesh } from "../contract/mesh.ts";
import type { SeedRange } from "../contract/simulation.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import type { MemoryOperation } from "./history.ts";
import { Simulation } from "./simulation.ts";
import type { AgentFactory } from "./world.ts";

export interface SimulateOptions {
  /** Chaos besides the mesh's own faults; absent: chaos exactly when the mesh has none. */
  readonly chaos?: boolean;
  /** Length of the middle part, virtual ms; absent: 30 of the longest election timeouts, and as long as the fault plan at least. */
  readonly durationMs?: number;
  readonly clients?: number;
  /** The links are rewired by a plan (core/overlay/optimise.ts) so long after the faults begin, virtual ms, and again until it is done; absent: never. */
  readonly rewireAfterMs?: number;
  /** It was done. */
  readonly onRewired?: () => void;
  /** Every event of every agent, as it happens. */
  readonly onEvent?: (event: TimelineEvent) => void;
  /** Every operation on the memory, when its client knows how it ended, or gives it up. */
  readonly onOperation?: (operation: MemoryOperation) => void;
  /** Every fault that really began, with the weather first. */
  readonly onFault?: (fault: HappenedFault) => void;
  /** Whoever watches the run is told what happens in it beside what its agents tell. */
  readonly news?: RunNews;
  /** Another agent than the real one: for tests that break it on purpose. */
  readonly createAgent?: AgentFactory;
}

/** A fault that came to be, as the plan, chaos or a preset wanted it. */
export interface HappenedFault {
  /** From the plan's start, virtual ms. */
  readonly atMs: number;
  readonly spec: FaultSpec;
  /** Whom its targets came to mean. */
  readonly agents: readonly string[];
  /** Empty for the weather, which is of all links. */
  readonly effects: readonly Effect[];
}

/** What happens in a run beside what its agents tell. Agents are places among all that there may be. */
export interface RunNews {
  readonly processStarted: (agent: number, incarnation: number) => void;
  readonly processEnded: (agent: number) => void;
  readonly faultBegan: (fault: ActiveFault, effects: readonly Effect[]) => void;
  /** What is active is not what it was. */
  readonly faultsChanged: () => void;
  /** An effect has changed what became of a frame. */
  readonly tookEffect: (effect: Effect) => void;
}

export function simulate(mesh: Mesh, seed: number, options: SimulateOptions = {}): SeedReport {
  const createAgent: AgentFactory =
    options.createAgent ?? ((config, world, recovered, now) => new Agent(config, world, recovered, now));
  return new Simulation(mesh, seed, { ...options, createAgent }).run();
}

/**
 * One seed after the other. Between two seeds it waits for `onReport`, which can so give its caller's event loop a turn (and with it a chance to abort).
 * @param signal looked at before each seed.
 */
export async function simulateSeeds(
  mesh: Mesh,
  { from, to }: SeedRange,
  onReport: (report: SeedReport) => void | Promise<void>,
  signal: { readonly aborted: boolean },
  options: SimulateOptions = {},
): Promise<void> {
  for (let seed = from; seed <= to && !signal.aborted; seed++) await onReport(simulate(mesh, seed, options));
}
