import type { EventKind, Fields } from "../contract/timeline.ts";
import type { Crypto } from "../core/crypto.ts";
import { encodeOwnProposalCommand, encodeOwnTaskCommand } from "./command.ts";
import type { Machine, RenewedLease } from "./machine.ts";
import { TaskRunner, type TaskRunnerConfig } from "./task-runner.ts";
import type { Cause } from "./timeline.ts";
import { Voting } from "./voting.ts";
import type { Executor, Judge, Judgement, TaskEnd } from "./world.ts";

export interface DutiesWorld {
  readonly executor: Executor;
  readonly judge: Judge;
  readonly crypto: Crypto;
}

export interface DutiesConfig extends Omit<TaskRunnerConfig, "recoveredIndex"> {
  /** Of entries that this agent knew in an earlier life, see Consensus.recovered. */
  readonly recovered: () => { readonly commit: number; readonly index: number };
}

/** What the swarm's state asks of this agent: to run the tasks that it holds a lease of, and to vote where it has a vote. */
export class Duties {
  readonly #config: DutiesConfig;
  readonly #runner: TaskRunner;
  readonly #voting: Voting;
  /** The state may have changed since it was last compared with what is done here. */
  #stale = true;

  constructor(
    config: DutiesConfig,
    world: DutiesWorld,
    record: (kind: EventKind, now: number, cause: Cause | undefined, fields: Fields) => Cause,
  ) {
    this.#config = config;
    const recoveredIndex = (): number => config.recovered().index;
    this.#runner = new TaskRunner({ ...config, recoveredIndex }, world.executor, record);
    this.#voting = new Voting(config, world.judge, world.crypto, record);
  }

  /** Tasks whose processes exist. */
  get running(): number {
    return this.#runner.running;
  }

  /** The state has changed. */
  changed(): void {
    this.#stale = true;
  }

  /** Begins and ends what the state asks for, where it has changed. @param cause what brought the change. */
  compare(machine: Machine, now: number, cause: Cause | undefined): void {
    if (!this.#stale) return;
    this.#stale = false;
    this.#runner.ledgerChanged(machine.tasks, now, cause);
    // What an earlier life has seen decided is not considered again on the way there.
    if (machine.index >= this.#config.recovered().commit) this.#voting.tableChanged(machine.proposals, cause);
  }

  renewed(lease: RenewedLease): void {
    this.#runner.renewed(lease);
  }

  taskEnded(end: TaskEnd, now: number): void {
    this.#runner.ended(end, now);
  }

  /** @returns the event of the vote's signing; undefined: nothing was asked. */
  judged(judgement: Judgement, now: number): Cause | undefined {
    return this.#voting.judged(judgement, now);
  }

  stop(now: number): void {
    this.#runner.stop(now);
    this.#voting.stop();
  }

  /** Stops runs whose lease may be over. */
  expire(now: number): void {
    this.#runner.expire(now);
  }

  /** When something is due, ms. @param canPropose whether a leader is known. */
  deadline(canPropose: boolean): number {
    const taskMs = this.#runner.deadline(canPropose);
    return canPropose ? Math.min(taskMs, this.#voting.deadline()) : taskMs;
  }

  /** Adds what is to be proposed now. Only to be called when a leader is known. */
  takeCommands(commands: Uint8Array[], now: number): void {
    // Mostly neither has any.
    if (this.deadline(true) > now) return;
    for (const command of this.#runner.takeCommands(now)) commands.push(encodeOwnTaskCommand(command));
    for (const command of this.#voting.takeCommands(now)) commands.push(encodeOwnProposalCommand(command));
  }

  /** What a lost leader had may be lost. */
  leaderChanged(now: number): void {
    this.#runner.leaderChanged(now);
    this.#voting.leaderChanged(now);
  }
}
