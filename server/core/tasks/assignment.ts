import type { AgentId } from "../consensus.ts";
import type { MemberState } from "../membership/types.ts";
import type { Task, TaskCommand } from "./types.ts";

export interface AssignmentInput {
  /** In the order in which they should be given out. */
  readonly pending: Iterable<Task>;
  /** Members that may be given work now: alive and not leaving. */
  readonly alive: Iterable<AgentId>;
  /** Leases per agent; absent = none. */
  readonly load: ReadonlyMap<AgentId, number>;
  /** Assigns proposed but not applied yet, task id -> agent: they count as load, and their tasks are left alone. */
  readonly proposed: ReadonlyMap<string, AgentId>;
  /** Tasks one agent runs at a time. */
  readonly slots: number;
  readonly leaseMs: number;
}

/**
 * Whom the leader gives the pending tasks to: each, in order, to the least loaded alive agent with a free slot, ties by id. A task that names its agent
 * waits for that one and holds up nobody behind it. Pure: the leader proposes what comes out, and the ledger refuses what has become wrong by then.
 */
export function assignTasks(input: AssignmentInput): (TaskCommand & { readonly type: "assign" })[] {
  const free = new Map<AgentId, number>();
  for (const agent of [...input.alive].sort()) free.set(agent, input.slots - (input.load.get(agent) ?? 0));
  for (const agent of input.proposed.values()) take(free, agent);
  let freeSlots = 0;
  for (const slots of free.values()) freeSlots += Math.max(0, slots);
  const assigns: (TaskCommand & { readonly type: "assign" })[] = [];
  if (freeSlots === 0) return assigns;
  for (const { spec } of input.pending) {
    if (input.proposed.has(spec.id)) continue;
    const agent = spec.agent === "" ? leastLoaded(free) : spec.agent;
    if (agent === undefined || (free.get(agent) ?? 0) <= 0) continue;
    assigns.push({ type: "assign", id: spec.id, agent, leaseMs: input.leaseMs });
    take(free, agent);
    if (--freeSlots === 0) break;
  }
  return assigns;
}

/**
 * Leases to take back because their holder failed or left: the task need not wait for the lease's end. A holder that is only suspected keeps its lease.
 * @param stateOf undefined for an agent that is not a member: nobody will ever complete what it holds.
 */
export function revokeLeases(
  leased: Iterable<Task>,
  stateOf: (agent: AgentId) => MemberState | undefined,
): (TaskCommand & { readonly type: "revoke" })[] {
  const revokes: (TaskCommand & { readonly type: "revoke" })[] = [];
  for (const { spec, assignee, token } of leased) {
    const state = stateOf(assignee);
    if (holdsOn(state)) continue;
    const reason = `${assignee} ${state === "left" ? "left" : state === "failed" ? "failed" : "is not a member"}`;
    revokes.push({ type: "revoke", id: spec.id, token, reason });
  }
  return revokes;
}

/** Whether one in this state keeps its leases. */
export function holdsOn(state: MemberState | undefined): boolean {
  return state === "alive" || state === "suspected";
}

/** Leases per agent. */
export function loadOf(leased: Iterable<Task>): Map<AgentId, number> {
  const load = new Map<AgentId, number>();
  for (const { assignee } of leased) load.set(assignee, (load.get(assignee) ?? 0) + 1);
  return load;
}

function take(free: Map<AgentId, number>, agent: AgentId): void {
  const slots = free.get(agent);
  if (slots !== undefined) free.set(agent, slots - 1);
}

/** The agent with the most free slots; the first in order among equals. */
function leastLoaded(free: ReadonlyMap<AgentId, number>): AgentId | undefined {
  let best: AgentId | undefined;
  for (const [agent, slots] of free) if (best === undefined || slots > (free.get(best) as number)) best = agent;
  return best;
}
