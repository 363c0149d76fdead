import type { LogBatch, RecoveredLog } from "../../agent/world.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";

/** What is judged of a simulated mesh by the promises of the consensus it carries. It is told what the witness is told, in the same order; agents are places in the roster. */
export interface ProtocolJudge {
  /** Leaders, or primaries, that came to be. */
  readonly elections: number;
  /** Entries known to be committed. */
  readonly committed: number;
  started(agent: number, incarnation: number, recovered: RecoveredLog): void;
  crashed(agent: number): void;
  appended(agent: number, batch: LogBatch): void;
  durable(agent: number, batch: LogBatch): void;
  observed(agent: number, event: TimelineEvent): void;
  turned(agent: number): void;
  /** @param digest of its replicated machines after applying `applied`. */
  snapshot(agent: number, applied: number, digest: number): void;
  /** From now on it lies: what it says of itself is judged no more, and the others are judged all the same. */
  lies(agent: number): void;
}
