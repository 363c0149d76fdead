import type { Agent } from "../../agent/agent.ts";
import type { ActivePreset } from "../../contract/faults.ts";
import type { Verdict } from "../../contract/simulated.ts";
import type { SimWorld } from "../world.ts";
import type { WatchedFault } from "./active-faults.ts";
import type { LinkTroubles } from "./link-troubles.ts";

/** A simulated swarm whose time passes as somebody wants to see it. Agents are places in the roster. */
export interface Run {
  /** All that there may be in it. */
  readonly roster: readonly string[];
  readonly worlds: readonly SimWorld[];
  readonly faults: {
    readonly active: readonly WatchedFault[];
    readonly presets: readonly ActivePreset[];
    readonly liars: ReadonlySet<string>;
  };
  /** What faults did to frames. */
  readonly troubles: LinkTroubles;
  /** Virtual time since the start, ms. */
  readonly virtualMs: number;
  /** What a clock without a fault shows, ms since the epoch. */
  readonly nowMs: number;
  /** How it ended; undefined: it has not, and may never. */
  readonly verdict: Verdict | undefined;
  start(): void;
  /** Lets time pass until then, ms of virtual time, or until it is enough: that is looked at after each occurrence. However it is sliced, the same happens. */
  advance(untilMs: number, enough: () => boolean): void;
  /** undefined: it is down. */
  agent(place: number): Agent | undefined;
}

/** The running agent that has applied the most. */
export function furthestOf(run: Run): Agent | undefined {
  let best: Agent | undefined;
  for (const { index, running } of run.worlds) {
    const agent = running ? run.agent(index) : undefined;
    if (agent !== undefined && (best === undefined || agent.machine.index > best.machine.index)) best = agent;
  }
  return best;
}
