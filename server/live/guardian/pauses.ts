import { asFields, integer, list, number, text } from "../checked-json.ts";
import { LineReader } from "../lines.ts";
import { type ProcessIdentity, resume } from "../process.ts";

const MAX_PAUSED = 10_000;
const MAX_GRACE_MS = 24 * 3_600_000;

/** What a coordinator tells the guardian: a line of JSON, each replacing the one before. */
export interface PausedAgents {
  /** How long a coordinator may be gone before its paused agents go on. */
  readonly graceMs: number;
  readonly paused: readonly ProcessIdentity[];
}

/** @throws WrongShape */
export function checkedPausedAgents(value: unknown): PausedAgents {
  const where = "paused agents";
  const fields = asFields(value, where);
  return {
    graceMs: number(fields, "graceMs", where, 0, MAX_GRACE_MS),
    paused: list(fields, "paused", where, MAX_PAUSED).map((one) => {
      const each = asFields(one, where);
      return {
        pid: integer(each, "pid", where, 1, Number.MAX_SAFE_INTEGER),
        startTime: text(each, "startTime", where, 100),
      };
    }),
  };
}

/**
 * Lives as long as the coordinator that started it, which it knows by the pipe on stdin. A paused agent cannot end itself, so when the coordinator is
 * gone and has not come back within the grace period, those that are still the same processes are continued; they then find out by themselves that
 * nobody owns them. A coordinator that comes back starts its own guardian; continuing an agent then means that its pause ends early.
 */
export function runPauses(): void {
  let latest: PausedAgents = { graceMs: 0, paused: [] };
  const lines = new LineReader((line) => {
    latest = checkedPausedAgents(JSON.parse(line));
  });
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    if (latest.paused.length === 0) process.exit(0);
    setTimeout(() => {
      for (const agent of latest.paused) resume(agent);
      process.exit(0);
    }, latest.graceMs);
  };
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (chunk: string) => lines.add(chunk));
  process.stdin.on("end", end);
  process.stdin.on("error", end);
  // A signal to the coordinator's whole group must not end the one that cleans up after it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
}
