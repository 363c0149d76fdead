import type { EventKind, Fields } from "../contract/timeline.ts";
import type { AgentId } from "../core/consensus.ts";
import type { TaskLedger } from "../core/tasks/ledger.ts";
import { boundedOutcome } from "../core/tasks/limits.ts";
import type { Task, TaskCommand, TaskOutcome } from "../core/tasks/types.ts";
import type { RenewedLease } from "./machine.ts";
import type { Cause } from "./timeline.ts";
import type { Executor, TaskEnd } from "./world.ts";

/** A lease is renewed when a third of it has passed: two renewals may be lost. */
const RENEWALS_A_LEASE = 3;
/** Why a lease is given back. */
const LATE = "its holder could not renew it in time";

export interface TaskRunnerConfig {
  readonly self: AgentId;
  readonly leaseMs: number;
  /** A proposal without an outcome is repeated after this long, ms. */
  readonly retryMs: number;
  /** Leases granted up to this entry belong to an earlier life. */
  readonly recoveredIndex: () => number;
}

/** `started` and `ended` events, for the timeline. */
export type RecordTask = (kind: EventKind, now: number, cause: Cause | undefined, fields: Fields) => Cause;

/** One lease held here. */
interface Run {
  readonly id: string;
  readonly token: number;
  /**
   * confirming: the lease looks over by this agent's clock; it runs once a renewal proves the contrary. running. ended: the outcome
   * waits to be recorded. abandoned: given back.
   */
  state: "confirming" | "running" | "ended" | "abandoned";
  /** A renewal was accepted. */
  confirmed: boolean;
  /** When this agent stops counting on the lease, by its own clock, ms. */
  heldUntilMs: number;
  /** When the oldest renewal without an outcome was proposed, ms; Infinity if there is none. */
  renewalSentMs: number;
  /** When the next proposal (renewal, outcome, giving back) is due, ms. */
  proposeAtMs: number;
  outcome: TaskOutcome | undefined;
  started: Cause | undefined;
  reason: string;
}

/**
 * The holder's side of leases: runs what this agent holds a lease of, renews, records the outcome, and stops a run before it counts on a
 * lease that may be over. Two agents may still run a task for a moment, when messages were very late; that only one outcome is recorded is the
 * fencing token's doing, in the ledger (Kleppmann, "How to do distributed locking", 2016).
 *
 * A renewal counts from when it was proposed, by this agent's clock alone: agents' clocks need not agree, only run at about the same rate
 * (Gray and Cheriton, "Leases", SOSP 1989, §5).
 */
export class TaskRunner {
  readonly #config: TaskRunnerConfig;
  readonly #executor: Executor;
  readonly #record: RecordTask;
  /** By task id, in the order taken. */
  readonly #runs = new Map<string, Run>();
  /** Started and not reported as ended yet, `<token> <id>`: they take a slot. */
  readonly #executing = new Map<string, Cause>();
  #stopping = false;

  constructor(config: TaskRunnerConfig, executor: Executor, record: RecordTask) {
    this.#config = config;
    this.#executor = executor;
    this.#record = record;
  }

  /** Tasks whose processes exist. */
  get running(): number {
    return this.#executing.size;
  }

  /** The ledger may have changed. @param cause what brought the change. */
  ledgerChanged(ledger: TaskLedger, now: number, cause: Cause | undefined): void {
    for (const run of [...this.#runs.values()]) {
      const task = ledger.get(run.id);
      if (task === undefined || !this.#holds(task, run.token)) this.#lost(run);
      else if (run.state === "confirming" && run.confirmed) this.#start(run, task, now, cause);
    }
    for (const task of ledger.leasedTo(this.#config.self)) {
      if (!this.#runs.has(task.spec.id)) this.#taken(task, ledger.timeMs, now, cause);
    }
  }

  /** A renewal was accepted: it may be the oldest that is under way. */
  renewed({ id, token }: RenewedLease): void {
    const run = this.#runs.get(id);
    if (run?.token !== token) return;
    run.confirmed = true;
    if (run.renewalSentMs !== Number.POSITIVE_INFINITY)
      run.heldUntilMs = Math.max(run.heldUntilMs, run.renewalSentMs + this.#config.leaseMs);
    if (run.state === "running") this.#executor.extend(id, token, run.heldUntilMs);
    run.renewalSentMs = Number.POSITIVE_INFINITY;
  }

  ended({ taskId, token, outcome, leaseOver = false }: TaskEnd, now: number): void {
    const key = runKey(taskId, token);
    const started = this.#executing.get(key);
    if (started === undefined) return;
    this.#executing.delete(key);
    const { exitCode, signal, error } = outcome;
    this.#record("taskEnded", now, started, { task: taskId, token, exitCode: exitCode ?? "", signal, error });
    const run = this.#runs.get(taskId);
    if (run?.token !== token || run.state !== "running") return;
    if (leaseOver) {
      this.#abandon(run, now, LATE);
      return;
    }
    run.state = "ended";
    run.outcome = boundedOutcome(outcome);
    run.proposeAtMs = now;
  }

  /** The agent says goodbye: what runs is stopped and given back. */
  stop(now: number): void {
    this.#stopping = true;
    for (const run of this.#runs.values()) if (run.state !== "ended") this.#abandon(run, now, "its holder is stopping");
  }

  /** When a run must be stopped, or something proposed, ms. @param canPropose whether a leader is known. */
  deadline(canPropose: boolean): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const run of this.#runs.values()) {
      if (run.state !== "abandoned") earliest = Math.min(earliest, run.heldUntilMs);
      if (canPropose) earliest = Math.min(earliest, run.proposeAtMs);
    }
    return earliest;
  }

  /** Stops runs whose lease may be over. */
  expire(now: number): void {
    for (const run of this.#runs.values()) {
      // An outcome is worth recording even late: the ledger knows best whether the lease still stands.
      if (run.state === "abandoned" || now < run.heldUntilMs) continue;
      if (run.state === "ended") run.heldUntilMs = Number.POSITIVE_INFINITY;
      else this.#abandon(run, now, LATE);
    }
  }

  /** What is to be proposed now. Only to be called when a leader is known. */
  takeCommands(now: number): TaskCommand[] {
    const commands: TaskCommand[] = [];
    for (const run of this.#runs.values()) {
      if (now < run.proposeAtMs) continue;
      const { id, token } = run;
      const { leaseMs, retryMs } = this.#config;
      if (run.state === "abandoned") {
        commands.push({ type: "revoke", id, token, reason: run.reason });
        run.proposeAtMs = now + retryMs;
      } else if (run.outcome !== undefined) {
        commands.push({ type: "complete", id, token, outcome: run.outcome });
        run.proposeAtMs = now + retryMs;
      } else {
        commands.push({ type: "renew", id, token, leaseMs });
        run.renewalSentMs = Math.min(run.renewalSentMs, now);
        run.proposeAtMs = now + leaseMs / RENEWALS_A_LEASE;
      }
    }
    return commands;
  }

  /** What a lost leader had may be lost: outcomes are proposed again. */
  leaderChanged(now: number): void {
    for (const run of this.#runs.values()) run.proposeAtMs = run.state === "running" ? run.proposeAtMs : now;
  }

  #taken(task: Task, ledgerMs: number, now: number, cause: Cause | undefined): void {
    const { spec, token, leaseUntilMs } = task;
    const run: Run = {
      id: spec.id,
      token,
      state: "confirming",
      confirmed: false,
      // The earlier of what the two clocks say: the leader's may be behind, the news may be old.
      heldUntilMs: now + this.#config.leaseMs,
      renewalSentMs: Number.POSITIVE_INFINITY,
      proposeAtMs: now,
      outcome: undefined,
      started: undefined,
      reason: "",
    };
    this.#runs.set(run.id, run);
    if (this.#stopping) this.#abandon(run, now, "its holder is stopping");
    else if (token <= this.#config.recoveredIndex()) this.#abandon(run, now, "its holder was restarted");
    else if (now < leaseUntilMs) {
      run.heldUntilMs = Math.min(leaseUntilMs, now + Math.max(0, leaseUntilMs - ledgerMs));
      this.#start(run, task, now, cause);
    }
  }

  #start(run: Run, { spec, token }: Task, now: number, cause: Cause | undefined): void {
    run.state = "running";
    // Of what is left by this agent's clock: one that is ahead of the leader's sees little of the first lease.
    run.proposeAtMs = now + Math.min(this.#config.leaseMs, run.heldUntilMs - now) / RENEWALS_A_LEASE;
    const started = this.#record("taskStarted", now, cause, { task: spec.id, token, command: spec.command });
    run.started = started;
    this.#executing.set(runKey(spec.id, token), started);
    this.#executor.start(spec, token);
    this.#executor.extend(spec.id, token, run.heldUntilMs);
  }

  #lost(run: Run): void {
    this.#runs.delete(run.id);
    if (run.state === "running") this.#executor.stop(run.id, run.token);
  }

  #abandon(run: Run, now: number, reason: string): void {
    if (run.state === "running") this.#executor.stop(run.id, run.token);
    run.state = "abandoned";
    run.reason = reason;
    run.proposeAtMs = now;
  }

  #holds(task: Task, token: number): boolean {
    return task.state === "leased" && task.assignee === this.#config.self && task.token === token;
  }
}

function runKey(taskId: string, token: number): string {
  return `${token} ${taskId}`;
}
