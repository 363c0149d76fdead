import type { Executor, TaskEnd } from "../../agent/world.ts";
import type { TaskSpec } from "../../core/tasks/types.ts";
import { machineMs } from "../tasks/warden-protocol.ts";
import type { ProgramRun, ProgramRunner } from "./program-runner.ts";

export interface TaskExecutorOptions {
  readonly swarm: string;
  readonly agent: string;
  readonly incarnation: number;
  /** Where tasks run: they cannot leave it by their `cwd`. */
  readonly folder: string;
  readonly programs: ProgramRunner;
  /** The agent's clock. */
  readonly now: () => number;
  readonly output: (taskId: string, token: number, stream: "stdout" | "stderr", text: string) => void;
  readonly ended: (end: TaskEnd) => void;
}

/** What runs an agent's tasks. */
export interface LiveExecutor extends Executor {
  /** Whether a task's process may exist. */
  readonly busy: boolean;
}

/** Runs tasks: each a program of its own under the agent's warden. */
export class TaskExecutor implements LiveExecutor {
  readonly #options: TaskExecutorOptions;
  readonly #runs = new Map<string, ProgramRun>();

  constructor(options: TaskExecutorOptions) {
    this.#options = options;
  }

  start({ id, command, args, cwd, timeoutMs }: TaskSpec, token: number): void {
    const { swarm, agent, incarnation, folder, programs, output, ended } = this.#options;
    const environment = {
      AGENT_MESH_SWARM: swarm,
      AGENT_MESH_AGENT: agent,
      AGENT_MESH_TASK: id,
      AGENT_MESH_TOKEN: String(token),
    };
    const mark = `${swarm}/${agent}.${incarnation}/${token}`;
    const run = programs.start(
      { mark, command, args, cwd, folder, timeoutMs, environment },
      {
        output: (stream, text) => output(id, token, stream, text),
        ended: (outcome, leaseOver) => {
          if (this.#runs.get(nameOf(id, token)) === run) this.#runs.delete(nameOf(id, token));
          ended({ taskId: id, token, outcome, leaseOver });
        },
      },
    );
    this.#runs.set(nameOf(id, token), run);
  }

  extend(taskId: string, token: number, untilMs: number): void {
    // By the machine's clock: this process may be stopped before the warden reads it.
    this.#runs.get(nameOf(taskId, token))?.leased(machineMs() + untilMs - this.#options.now());
  }

  stop(taskId: string, token: number): void {
    this.#runs.get(nameOf(taskId, token))?.stop("It was stopped.");
  }

  get busy(): boolean {
    return this.#runs.size > 0;
  }
}

/** A run by name: a token is of one lease of one task. */
export function nameOf(taskId: string, token: number): string {
  return `${token} ${taskId}`;
}
