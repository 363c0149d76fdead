import type { TaskSpec } from "../core/tasks/types.ts";
import { type LiveExecutor, nameOf, type TaskExecutorOptions } from "../live/agent/executor.ts";
import { LongTimer } from "../live/tasks/long-timer.ts";
import { OutputTail } from "../live/tasks/output-tail.ts";

/** One run of a task, as a function that does it is given it. */
export interface PeerTask {
  readonly id: string;
  /** What whoever submitted it wrote; what it means is the function's to say. */
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Unlike that of every other run of it, and higher than those before: for a resource that refuses who comes late. */
  readonly token: number;
  /**
   * The run is over: the task was cancelled, took longer than it may, its lease ended, or the agent stops. Nothing ends a function by force: what it does after
   * this counts for nothing, and another agent may run the task by then.
   */
  readonly signal: AbortSignal;
  /** Part of its output, which people see at once; the last 16 KiB stay with the outcome. */
  readonly output: (text: string) => void;
}

/** Does a task. What it returns, a text, ends its output; when it throws, the run has failed (exit code 1) for that reason. */
export type TaskFunction = (task: PeerTask) => string | undefined | Promise<string | undefined>;

const MAX_ERROR_CHARACTERS = 1_000;

interface Run {
  stop(why: string): void;
  lease(untilMs: number): void;
}

/** Runs tasks by calling a function of this program. */
export class FunctionExecutor implements LiveExecutor {
  readonly #options: Pick<TaskExecutorOptions, "now" | "output" | "ended">;
  readonly #perform: TaskFunction;
  readonly #runs = new Map<string, Run>();

  constructor(options: Pick<TaskExecutorOptions, "now" | "output" | "ended">, perform: TaskFunction) {
    this.#options = options;
    this.#perform = perform;
  }

  start({ id, command, args, cwd, timeoutMs }: TaskSpec, token: number): void {
    const { now, output, ended } = this.#options;
    const abort = new AbortController();
    const tail = new OutputTail();
    const limit = new LongTimer();
    const lease = new LongTimer();
    const startedAtMs = performance.now();
    const name = nameOf(id, token);
    const write = (text: string): void => {
      if (text === "" || !this.#runs.has(name)) return;
      tail.add(text);
      output(id, token, "stdout", text);
    };
    const end = (exitCode: number | null, error: string, leaseOver = false): void => {
      if (!this.#runs.delete(name)) return;
      limit.clear();
      lease.clear();
      abort.abort(error);
      const durationMs = Math.round(performance.now() - startedAtMs);
      const outcome = { exitCode, signal: "", error, outputTail: tail.text(), durationMs };
      // Not from within the agent's own turn.
      setImmediate(() => ended({ taskId: id, token, outcome, leaseOver }));
    };
    this.#runs.set(name, {
      stop: (why) => end(null, why),
      lease: (untilMs) =>
        lease.set(Math.max(0, untilMs - now()), () => end(null, "Its lease ended before it was renewed.", true)),
    });
    if (timeoutMs > 0) limit.set(timeoutMs, () => end(null, `It ran longer than ${timeoutMs} ms and was given up on.`));
    const { signal } = abort;
    setImmediate(async () => {
      try {
        write((await this.#perform({ id, command, args, cwd, token, signal, output: write })) ?? "");
        end(0, "");
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        end(1, why.slice(0, MAX_ERROR_CHARACTERS) || "The function that does tasks threw nothing that says why.");
      }
    });
  }

  extend(taskId: string, token: number, untilMs: number): void {
    this.#runs.get(nameOf(taskId, token))?.lease(untilMs);
  }

  stop(taskId: string, token: number): void {
    this.#runs.get(nameOf(taskId, token))?.stop("It was stopped.");
  }

  get busy(): boolean {
    return this.#runs.size > 0;
  }
}
