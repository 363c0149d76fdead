import type { LogBatch, RecoveredLog } from "../agent/world.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import type { TaskSpec } from "../core/tasks/types.ts";

/** Sees everything that happens in a simulated mesh, when it happens: the trace hash and the checkers stand behind it. Agents are numbers, in the order of the roster. */
export interface Witness {
  delivered(from: number, to: number, frame: Uint8Array): void;
  /** Before the agent's first input of this life. */
  started(agent: number, incarnation: number, recovered: RecoveredLog): void;
  crashed(agent: number): void;
  /** Handed to the disk, not yet safe. */
  appended(agent: number, batch: LogBatch): void;
  durable(agent: number, batch: LogBatch): void;
  /** The same of the log of a memory beside the consensus. */
  remembering(agent: number, batch: LogBatch): void;
  remembered(agent: number, batch: LogBatch): void;
  observed(agent: number, event: TimelineEvent): void;
  /** After each of an agent's turns. */
  turned(agent: number): void;
  executing(agent: number, spec: TaskSpec, token: number): void;
  /** The agent threw: it found itself contradictory, or could not read a frame of its own kind. It is down from here on. */
  failed(agent: number, error: unknown): void;
}
