import { queryAnswer } from "../../agent/answers.ts";
import type { Replayed } from "../../agent/recording/replay.ts";
import type { AgentReport, TaskInfo } from "../../contract/swarm.ts";
import type { ConsensusStatus } from "../../core/consensus.ts";

/** Keys listed one by one; of more, only their number is told. */
const MAX_KEYS = 1_000;

/** What an agent was at a moment, for people and programs. */
export interface RecordedState {
  readonly agent: string;
  readonly incarnation: number;
  /** The time of the last input up to the moment asked for, ms since the epoch by the agent's clock; and since the recording's start. */
  readonly atMs: number;
  readonly sinceStartMs: number;
  /**
   * inputs: recomputed from the agent's start. state: the beginning of its life is gone; the replicated state and Raft's are recomputed all the same, `report` is
   * unknown, and what a leader knew of its followers is up to a second old.
   */
  readonly from: "inputs" | "state";
  readonly raft: ConsensusStatus;
  readonly applied: number;
  readonly stateHash: string;
  readonly tasks: readonly TaskInfo[];
  readonly memory: {
    readonly items: number;
    readonly keys: readonly {
      readonly namespace: string;
      readonly key: string;
      readonly version: number;
      readonly bytes: number;
    }[];
  };
  readonly report: Omit<
    AgentReport,
    "pid" | "port" | "cpuSeconds" | "rssBytes" | "logBytes" | "fsyncs" | "fsyncP99Ms"
  > | null;
  readonly inputs: number;
  /** How often what was recomputed was compared with what the agent had recorded of itself, and was the same. */
  readonly checks: number;
  /** The error that ended the agent there; "" when none did. */
  readonly failure: string;
}

export function recordedState(replayed: Replayed, startMs: number): RecordedState {
  const { header, atMs, raft, machine, stateHash, report, inputs, checks, failure } = replayed;
  // A memory beside the consensus has a machine of its own.
  const { memory, timeMs } = replayed.memory ?? machine;
  const keys: { namespace: string; key: string; version: number; bytes: number }[] = [];
  for (const namespace of memory.namespaces())
    for (const item of memory.items(namespace, "", "", timeMs)) {
      if (keys.length === MAX_KEYS) break;
      keys.push({ namespace, key: item.key, version: item.version, bytes: item.value.length });
    }
  const tasks = queryAnswer({ type: "tasks", before: "" }, machine, machine.timeMs);
  return {
    agent: header.config.id,
    incarnation: header.config.incarnation,
    atMs,
    sinceStartMs: atMs - startMs,
    from: header.base.type === "life" ? "inputs" : "state",
    raft,
    applied: machine.index,
    stateHash,
    tasks: tasks.ok && tasks.value.type === "tasks" ? tasks.value.tasks : [],
    memory: { items: memory.size, keys },
    report,
    inputs,
    checks,
    failure,
  };
}
