import type { AgentId } from "../core/consensus.ts";
import type { Membership } from "../core/membership/membership.ts";
import type { Member } from "../core/membership/types.ts";
import type { RaftStatus } from "../core/raft/types.ts";
import { assignTasks, loadOf, revokeLeases } from "../core/tasks/assignment.ts";
import type { TaskCommand } from "../core/tasks/types.ts";
import { encodeClockCommand, encodeOwnTaskCommand } from "./command.ts";
import type { Machine } from "./machine.ts";
import { membersOf, workersOf } from "./participants.ts";

export interface DispatcherConfig {
  readonly slots: number;
  readonly leaseMs: number;
  /** A proposal without an outcome is repeated after this long, ms. */
  readonly retryMs: number;
}

/**
 * What an agent does for the machine while it leads: gives pending tasks to agents, takes leases back from those that failed, and tells the
 * machine the time when something falls due in it. Everything it proposes is fenced by the task's state or token: at worst it is refused.
 */
export class Dispatcher {
  readonly #config: DispatcherConfig;
  /** Assigns proposed and not applied: whom to, and when to give up waiting, ms. */
  readonly #assigns = new Map<string, { readonly agent: AgentId; readonly untilMs: number }>();
  /** Revocations proposed: by task, which token, and when to give up waiting, ms. */
  readonly #revokes = new Map<string, { readonly token: number; readonly untilMs: number }>();
  /** The deadline for which the time was told, and when to tell it again, ms. */
  #clockFor = Number.NEGATIVE_INFINITY;
  #clockUntilMs = Number.NEGATIVE_INFINITY;

  constructor(config: DispatcherConfig) {
    this.#config = config;
  }

  /** Another term: what was proposed in the last one may be lost. */
  leaderChanged(): void {
    this.#assigns.clear();
    this.#revokes.clear();
    this.#clockFor = Number.NEGATIVE_INFINITY;
  }

  /** What to propose now. Only for a leader whose machine has applied an entry of its own term: before that it is behind. */
  takeCommands(machine: Machine, membership: Membership, status: RaftStatus, now: number): Uint8Array[] {
    const commands: Uint8Array[] = [];
    const deadlineMs = machine.deadlineMs();
    if (deadlineMs <= now && (deadlineMs !== this.#clockFor || now >= this.#clockUntilMs)) {
      this.#clockFor = deadlineMs;
      this.#clockUntilMs = now + this.#config.retryMs;
      commands.push(encodeClockCommand());
    }
    if (machine.tasks.size > 0) {
      this.#forget(machine, now);
      const known = new Set(membersOf(status, []));
      const members = membership.members().filter(({ id }) => known.has(id));
      for (const command of this.#revocations(machine, members, now)) commands.push(encodeOwnTaskCommand(command));
      for (const command of this.#assignments(machine, members, status, now))
        commands.push(encodeOwnTaskCommand(command));
    }
    return commands;
  }

  /** When `takeCommands` has something to do although nothing new came, ms. */
  deadline(machine: Machine): number {
    const machineMs = machine.deadlineMs();
    let earliest = machineMs === this.#clockFor ? Math.max(machineMs, this.#clockUntilMs) : machineMs;
    for (const { untilMs } of this.#assigns.values()) earliest = Math.min(earliest, untilMs);
    for (const { untilMs } of this.#revokes.values()) earliest = Math.min(earliest, untilMs);
    return earliest;
  }

  #forget({ tasks }: Machine, now: number): void {
    for (const [id, { untilMs }] of this.#assigns)
      if (now >= untilMs || tasks.get(id)?.state !== "pending") this.#assigns.delete(id);
    for (const [id, { token, untilMs }] of this.#revokes) {
      const task = tasks.get(id);
      if (now >= untilMs || task?.state !== "leased" || task.token !== token) this.#revokes.delete(id);
    }
  }

  #revocations({ tasks }: Machine, members: readonly Member[], now: number): TaskCommand[] {
    const states = new Map(members.map(({ id, state }) => [id, state]));
    const revokes = revokeLeases(tasks.leased(), (agent) => states.get(agent)).filter(
      ({ id }) => !this.#revokes.has(id),
    );
    for (const { id, token } of revokes) this.#revokes.set(id, { token, untilMs: now + this.#config.retryMs });
    return revokes;
  }

  #assignments({ tasks }: Machine, members: readonly Member[], status: RaftStatus, now: number): TaskCommand[] {
    if (tasks.pendingCount === 0) return [];
    const workers = workersOf(status);
    const assigns = assignTasks({
      pending: tasks.pending(),
      // Incarnation 0: never heard of.
      alive: members
        .filter(({ id, state, incarnation }) => state === "alive" && incarnation > 0 && workers.has(id))
        .map(({ id }) => id),
      load: loadOf(tasks.leased()),
      proposed: new Map(Array.from(this.#assigns, ([id, { agent }]) => [id, agent])),
      slots: this.#config.slots,
      leaseMs: this.#config.leaseMs,
    });
    for (const { id, agent } of assigns) this.#assigns.set(id, { agent, untilMs: now + this.#config.retryMs });
    return assigns;
  }
}
