import type { AgentId, ConsensusStatus } from "../core/consensus.ts";
import type { Membership } from "../core/membership/membership.ts";
import { assignTasks, holdsOn, loadOf, revokeLeases } from "../core/tasks/assignment.ts";
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

/** What it looks at. */
export interface Sight {
  readonly machine: Machine;
  readonly membership: Membership;
  readonly status: ConsensusStatus;
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
  /** The machine, the members or the leader may have changed since it was last looked what to do about it. */
  #stale = true;
  /** A follower was being sent a snapshot then: once it has it, it may be given tasks. */
  #sending = false;
  /** What a leader that is not trusted has left undone: since when, ms. */
  #undone: ReadonlyMap<string, number> = new Map();
  #undoneUntilMs = Number.POSITIVE_INFINITY;
  /** The deadline for which the time was told, and when to tell it again, ms. */
  #clockFor = Number.NEGATIVE_INFINITY;
  #clockUntilMs = Number.NEGATIVE_INFINITY;

  constructor(config: DispatcherConfig) {
    this.#config = config;
  }

  /** The machine or the members may have changed. */
  changed(): void {
    this.#stale = true;
  }

  get stale(): boolean {
    return this.#stale;
  }

  /** Another term: what was proposed in the last one may be lost. */
  leaderChanged(): void {
    this.#assigns.clear();
    this.#revokes.clear();
    this.#clockFor = Number.NEGATIVE_INFINITY;
    this.#stale = true;
  }

  /** What to propose now. Only for a leader whose machine has applied an entry of its own term: before that it is behind. */
  takeCommands({ machine, membership, status }: Sight, now: number): Uint8Array[] {
    // Whatever another leader owed is this one's to do.
    if (this.#undone.size > 0) this.#undone = new Map();
    const commands: Uint8Array[] = [];
    const deadlineMs = machine.deadlineMs();
    if (deadlineMs <= now && (deadlineMs !== this.#clockFor || now >= this.#clockUntilMs)) {
      this.#clockFor = deadlineMs;
      this.#clockUntilMs = now + this.#config.retryMs;
      commands.push(encodeClockCommand());
    }
    if (!this.#hasDuties(membership, status, now)) return commands;
    this.#forget(machine, now);
    if (machine.tasks.openCount > 0) {
      for (const command of this.#revocations(machine, membership, status, now))
        commands.push(encodeOwnTaskCommand(command));
      for (const command of this.#assignments(machine, membership, status, now))
        commands.push(encodeOwnTaskCommand(command));
    }
    return commands;
  }

  /**
   * What the leader should have done and has not, for agents that do not trust it: each of them in turn waits a while longer before it does so itself. Whatever is done twice is done
   * once, as every command is fenced.
   */
  takeOverdue({ machine, membership, status }: Sight, now: number): Uint8Array[] {
    if (this.#undone.size === 0 && machine.deadlineMs() > now && machine.tasks.openCount === 0) {
      this.#stale = false;
      return [];
    }
    const rank = membersOf(status, []).indexOf(status.id);
    // Where nobody leads, nobody is waited for; but what was proposed has to come about.
    const patienceMs = this.#config.retryMs * ((status.role === "peer" ? 1 : 2) + Math.max(0, rank));
    const before = this.#undone;
    const undone = new Map<string, number>();
    const commands: Uint8Array[] = [];
    const look = (duty: string, command: () => Uint8Array): void => {
      const sinceMs = before.get(duty) ?? now;
      const overdue = now >= sinceMs + patienceMs;
      undone.set(duty, overdue ? now : sinceMs);
      if (overdue) commands.push(command());
    };
    const deadlineMs = machine.deadlineMs();
    if (deadlineMs <= now) look(`clock ${deadlineMs}`, encodeClockCommand);
    if (machine.tasks.openCount > 0) {
      this.#assigns.clear();
      this.#revokes.clear();
      const owed = [
        ...this.#revocations(machine, membership, status, now),
        ...this.#assignments(machine, membership, status, now),
      ];
      for (const command of owed) look(dutyOf(command), () => encodeOwnTaskCommand(command));
    }
    this.#undone = undone;
    this.#undoneUntilMs = Math.min(...undone.values(), Number.POSITIVE_INFINITY) + patienceMs;
    this.#stale = false;
    return commands;
  }

  /** When `takeOverdue` has something to do although nothing new came, ms. */
  overdueMs(machine: Machine): number {
    return this.#undone.size > 0 ? this.#undoneUntilMs : machine.deadlineMs();
  }

  /** When `takeCommands` has something to do although nothing new came, ms. */
  deadline(machine: Machine): number {
    const machineMs = machine.deadlineMs();
    const clockMs = machineMs === this.#clockFor ? Math.max(machineMs, this.#clockUntilMs) : machineMs;
    return Math.min(clockMs, this.#proposedUntilMs());
  }

  /** When the first of what was proposed counts as lost, ms. */
  #proposedUntilMs(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { untilMs } of this.#assigns.values()) earliest = Math.min(earliest, untilMs);
    for (const { untilMs } of this.#revokes.values()) earliest = Math.min(earliest, untilMs);
    return earliest;
  }

  /** Whether there can be anything to do that there was not when it was last looked. */
  #hasDuties(membership: Membership, { followers }: ConsensusStatus, now: number): boolean {
    const sending = followers.some(({ state }) => state === "snapshot");
    const may = this.#stale || membership.observed || sending || this.#sending || this.#proposedUntilMs() <= now;
    this.#stale = false;
    this.#sending = sending;
    return may;
  }

  #forget({ tasks }: Machine, now: number): void {
    for (const [id, { untilMs }] of this.#assigns)
      if (now >= untilMs || tasks.get(id)?.state !== "pending") this.#assigns.delete(id);
    for (const [id, { token, untilMs }] of this.#revokes) {
      const task = tasks.get(id);
      if (now >= untilMs || task?.state !== "leased" || task.token !== token) this.#revokes.delete(id);
    }
  }

  #revocations({ tasks }: Machine, membership: Membership, status: ConsensusStatus, now: number): TaskCommand[] {
    const known = membersOf(status, []);
    const stateOf = (agent: AgentId) => (known.includes(agent) ? membership.member(agent)?.state : undefined);
    // Mostly all are there: then no lease needs to be looked at.
    if (tasks.holders().every((agent) => holdsOn(stateOf(agent)))) return [];
    const revokes = revokeLeases(tasks.leased(), stateOf).filter(({ id }) => !this.#revokes.has(id));
    for (const { id, token } of revokes) this.#revokes.set(id, { token, untilMs: now + this.#config.retryMs });
    return revokes;
  }

  #assignments({ tasks }: Machine, membership: Membership, status: ConsensusStatus, now: number): TaskCommand[] {
    if (tasks.pendingCount === 0) return [];
    const workers = workersOf(status);
    const assigns = assignTasks({
      pending: tasks.pending(),
      // Incarnation 0: never heard of.
      alive: membership
        .members()
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

/** What a command is for, whatever it proposes about it. */
function dutyOf(command: TaskCommand): string {
  return `${command.type} ${command.type === "submit" ? command.spec.id : command.id}`;
}
