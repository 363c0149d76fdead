import type { Tampering } from "../agent/tamper/tamperer.ts";
import type { DiskTrouble } from "../contract/faults.ts";
import type { ClockTrouble } from "./clock.ts";

/** All that is wrong around one agent, besides its links and whether its process runs. */
export interface AgentTroubles {
  /** By a name that stays as long as the trouble does. */
  readonly tampering: ReadonlyMap<string, Tampering>;
  /** The same objects as long as the troubles last. */
  readonly disk: readonly DiskTrouble[];
  readonly clock: readonly ClockTrouble[];
  /** Everything it computes takes so many times as long. */
  readonly slowdown: number;
}
