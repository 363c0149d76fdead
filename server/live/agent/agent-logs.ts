import type { DurableLog, RecoveredLog } from "../../agent/world.ts";
import type { AgentPaths } from "../layout.ts";
import { type LogEvents, openAgentLog } from "./startup.ts";

/** The log of an agent, and that of a memory beside its consensus: two folders on one disk. */
export interface AgentLogs {
  readonly log: DurableLog;
  readonly memoryLog?: DurableLog;
  /** Of both. */
  readonly recovered: RecoveredLog;
  readonly notes: readonly string[];
  readonly empty: boolean;
  readonly bytes: number;
  readonly syncs: number;
  /** The worse of both; null: none is known. */
  readonly syncP99Ms: number | null;
  readonly idle: boolean;
  flush(): void;
  close(): void;
}

/** @throws LayoutProblem, LogDamaged: with a sentence for people */
export function openAgentLogs(
  { log, memoryLog }: Pick<AgentPaths, "log" | "memoryLog">,
  memory: "eventual" | undefined,
  events: LogEvents,
): AgentLogs {
  const main = openAgentLog(log, events);
  const beside = memory === undefined ? undefined : openAgentLog(memoryLog, events);
  const all = beside === undefined ? [main.log] : [main.log, beside.log];
  const sum = (of: (one: (typeof all)[number]) => number): number => all.reduce((total, one) => total + of(one), 0);
  const recovered = { ...main.recovered, ...(beside && { memory: beside.recovered }) };
  const isEmpty = (one: RecoveredLog): boolean => one.snapshot === undefined && one.entries.length === 0;
  return {
    log: main.log,
    ...(beside && { memoryLog: beside.log }),
    recovered,
    notes: [...main.notes, ...(beside?.notes ?? [])],
    empty: isEmpty(recovered) && (beside === undefined || isEmpty(beside.recovered)),
    get bytes() {
      return sum((one) => one.bytes);
    },
    get syncs() {
      return sum((one) => one.syncs);
    },
    get syncP99Ms() {
      const known = all.flatMap(({ syncP99Ms }) => (syncP99Ms === null ? [] : [syncP99Ms]));
      return known.length === 0 ? null : Math.max(...known);
    },
    get idle() {
      return all.every(({ idle }) => idle);
    },
    flush() {
      for (const one of all) one.flush();
    },
    close() {
      for (const one of all) one.close();
    },
  };
}
