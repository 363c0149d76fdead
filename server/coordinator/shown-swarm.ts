/** What faces and views are told of a swarm, and ask of it, whatever its agents are: processes (`swarm.ts`), or simulated ones (`simulated/`). */
import type { ActiveFault, ActivePreset, FaultSpec, PresetSpec } from "../contract/faults.ts";
import type { ProposalInfo } from "../contract/proposals.ts";
import type { SwarmPhase, SwarmView, TaskInfo } from "../contract/swarm.ts";
import type { Zones } from "../core/overlay/zones.ts";
import type { SwarmFile } from "../live/swarm-file.ts";
import type { Metrics } from "./metrics.ts";
import type { Timeline } from "./timeline/timeline.ts";

export interface ShownSwarm {
  readonly id: string;
  readonly file: Pick<SwarmFile, "name" | "folder" | "file" | "detached">;
  readonly phase: SwarmPhase;
  /** Closed: there is nothing to show any more. */
  readonly over: boolean;
  readonly agents: readonly { readonly id: string }[];
  /** Its agents and links as they are at the moment of asking. */
  readonly mesh: { readonly agents: readonly string[]; readonly zones: Zones } & Pick<SwarmFile, "links" | "consensus">;
  readonly timeline: Pick<Timeline, "window" | "event" | "search" | "stored" | "lastMs">;
  readonly metrics: Pick<Metrics, "view">;
  readonly faults: ShownFaults;
  /** As last read. */
  readonly tasks: { readonly items: readonly TaskInfo[] };
  readonly proposals: { readonly items: readonly ProposalInfo[] };
  view(): SwarmView;
}

export interface ShownFaults {
  /** What a person asks for. @throws Refusal */
  inject(spec: FaultSpec): Promise<ActiveFault>;
  /** @throws Refusal */
  injectPreset(spec: PresetSpec): Promise<ActivePreset>;
  /** @param id of a fault, or of a preset: it is stopped, and its steps healed. @returns all that was healed. @throws Refusal when there is none */
  heal(id: string): Promise<readonly string[]>;
  healAll(): Promise<readonly string[]>;
}
