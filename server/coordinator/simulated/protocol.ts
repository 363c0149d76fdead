/** What a simulated swarm's thread and the coordinator say to each other. Agents are places in the roster. */
import type { ClientOperation, ClientResult } from "../../contract/client.ts";
import type { ActiveFault, ActivePreset, FaultSpec, PresetSpec } from "../../contract/faults.ts";
import type { Mesh } from "../../contract/mesh.ts";
import type { ProposalInfo } from "../../contract/proposals.ts";
import type { SimulatedView } from "../../contract/simulated.ts";
import type { TaskInfo } from "../../contract/swarm.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";
import type { WatchedFault } from "../../sim/watched/active-faults.ts";
import type { JudgedOptions } from "../../sim/watched/judged-run.ts";
import type { Opinion } from "../../sim/watched/opinions.ts";
import type { WatchedReport } from "../../sim/watched/reporter.ts";
import type { ProcessState } from "../../sim/world.ts";

/** What the thread is started with. */
export interface WatchTask {
  readonly watch: {
    readonly mesh: Mesh;
    readonly seed: number;
    readonly speed: number | null;
    /** The run that this seed is judged by; absent: one that anybody may ask of, without an end. */
    readonly judged?: JudgedOptions;
  };
}

export type WatchOrder =
  /** A batch was taken in. No more than two are under way. */
  { readonly order: "taken" } | ({ readonly order: "ask"; readonly id: number } & Ask);

export interface PaceChange {
  readonly speed?: number | null;
  readonly paused?: boolean;
}

/** What a person asks of the swarm. */
export type Ask =
  | { readonly ask: "pace"; readonly pace: PaceChange }
  | { readonly ask: "inject"; readonly fault: FaultSpec }
  | { readonly ask: "injectPreset"; readonly preset: PresetSpec }
  /** Of a fault or a preset; absent: all. */
  | { readonly ask: "heal"; readonly fault?: string }
  /** A client does it, within so much virtual time. */
  | { readonly ask: "perform"; readonly operation: ClientOperation; readonly patienceMs: number };

export type Answer =
  | { readonly type: "paced" }
  | { readonly type: "fault"; readonly fault: ActiveFault }
  | { readonly type: "preset"; readonly preset: ActivePreset }
  | { readonly type: "healed"; readonly healed: readonly string[] }
  /** null: nobody answered in time. */
  | { readonly type: "performed"; readonly result: ClientResult | null }
  | { readonly type: "refused"; readonly message: string };

/** What happened since the batch before: only what changed. At most 30 a second. */
export interface Batch {
  readonly told: "batch";
  readonly pace: Omit<SimulatedView, "seed" | "judged">;
  readonly events: readonly TimelineEvent[];
  readonly reports: readonly WatchedReport[];
  /** The last of the roster was among those that were looked at for reports. */
  readonly whole: boolean;
  readonly opinions: ReadonlyMap<number, Opinion>;
  readonly processes: ReadonlyMap<number, ProcessState>;
  readonly faults?: WatchedFaultsNow;
  readonly tasks?: readonly TaskInfo[];
  readonly proposals?: readonly ProposalInfo[];
  readonly notices: readonly Notice[];
}

export interface WatchedFaultsNow {
  readonly active: readonly WatchedFault[];
  readonly presets: readonly ActivePreset[];
  /** Who was made to lie at any time. */
  readonly liars: readonly string[];
}

export interface Notice {
  readonly level: "info" | "warning" | "error";
  readonly message: string;
}

export type WatchTold = Batch | { readonly told: "answer"; readonly id: number; readonly answer: Answer };
