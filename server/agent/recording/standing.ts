import type { ConsensusStatus } from "../../core/consensus.ts";

/**
 * Those fields of a status that are not as before; undefined when all are. One that is there no more is undefined among them.
 * @param what what a leader knows of each follower changes all the time, and may be left out.
 */
export function changedFields(
  before: ConsensusStatus | undefined,
  now: ConsensusStatus,
  what: "withoutFollowers" | "all",
): Readonly<Record<string, unknown>> | undefined {
  let changed: Record<string, unknown> | undefined;
  const old = before as unknown as Readonly<Record<string, unknown>>;
  const fields = now as unknown as Readonly<Record<string, unknown>>;
  for (const name in fields) {
    const value = fields[name];
    if (Object.is(value, old[name])) continue;
    if (what === "withoutFollowers" && name === "followers") continue;
    if (typeof value === "object" && JSON.stringify(value) === JSON.stringify(old[name])) continue;
    changed ??= {};
    changed[name] = value;
  }
  for (const name in old)
    if (!(name in fields)) {
      changed ??= {};
      changed[name] = undefined;
    }
  return changed;
}

/** A status with its changed fields; those that are undefined now are there no more. */
export function withFields(status: ConsensusStatus, changed: Readonly<Record<string, unknown>>): ConsensusStatus {
  const fields = Object.entries({ ...status, ...changed }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(fields) as unknown as ConsensusStatus;
}
