import type { Executor, TaskEnd } from "../agent/world.ts";
import type { Random } from "../core/random.ts";
import type { TaskOutcome, TaskSpec } from "../core/tasks/types.ts";
import type { Schedule } from "./schedule.ts";

interface Running {
  readonly spec: TaskSpec;
  readonly token: number;
  readonly startedMs: number;
  /** By the agent's clock. */
  leaseEndMs: number;
  /** Rises whenever its end is set anew. */
  watch: number;
}

/**
 * Tasks without processes. `sleep SECONDS` takes as long as it says, `false` exits with 1, `exit CODE` with that; everything else takes a seeded 1 to 80 ms
 * and exits with 0, or one time in `failEvery` with a seeded code.
 */
export class SimExecutor implements Executor {
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #failEvery: number;
  readonly #whenUs: (atMs: number) => number;
  readonly #ended: (end: TaskEnd) => void;
  readonly #started: (spec: TaskSpec, token: number) => void;
  readonly #running = new Map<string, Running>();
  #life = 0;

  /** @param whenUs the virtual time at which the agent's clock shows a time */
  constructor(
    schedule: Schedule,
    random: Random,
    failEvery: number,
    whenUs: (atMs: number) => number,
    started: (spec: TaskSpec, token: number) => void,
    ended: (end: TaskEnd) => void,
  ) {
    this.#schedule = schedule;
    this.#random = random;
    this.#failEvery = failEvery;
    this.#whenUs = whenUs;
    this.#started = started;
    this.#ended = ended;
  }

  get running(): number {
    return this.#running.size;
  }

  start(spec: TaskSpec, token: number): void {
    const key = runKey(spec.id, token);
    if (this.#running.has(key)) throw new RangeError(`task ${spec.id} runs here already with token ${token}`);
    const leaseEndMs = Number.POSITIVE_INFINITY;
    const run: Running = { spec, token, startedMs: this.#schedule.nowMs, leaseEndMs, watch: 0 };
    this.#running.set(key, run);
    this.#started(spec, token);
    const { durationMs, exitCode } = this.#fate(spec);
    const tooLong = spec.timeoutMs > 0 && durationMs > spec.timeoutMs;
    const life = this.#life;
    this.#schedule.afterMs(tooLong ? spec.timeoutMs : durationMs, () => {
      if (life !== this.#life || this.#running.get(key) !== run) return;
      if (tooLong) this.#end(key, run, null, "SIGKILL", `It ran longer than ${spec.timeoutMs} ms.`);
      else this.#end(key, run, exitCode, "", "");
    });
  }

  extend(taskId: string, token: number, untilMs: number): void {
    const key = runKey(taskId, token);
    const run = this.#running.get(key);
    if (!run) return;
    run.leaseEndMs = untilMs;
    this.#watchLease(key, run);
  }

  /** The agent's clock shows another time, or runs at another rate. */
  clockChanged(): void {
    for (const [key, run] of this.#running) if (run.leaseEndMs !== Number.POSITIVE_INFINITY) this.#watchLease(key, run);
  }

  stop(taskId: string, token: number): void {
    const key = runKey(taskId, token);
    const run = this.#running.get(key);
    if (!run) return;
    const life = this.#life;
    this.#schedule.afterMs(0.5 + this.#random.float(), () => {
      if (life !== this.#life || this.#running.get(key) !== run) return;
      this.#end(key, run, null, "SIGTERM", "It was told to stop.");
    });
  }

  #watchLease(key: string, run: Running): void {
    const watch = ++run.watch;
    const life = this.#life;
    const happen = (): void => {
      if (life !== this.#life || this.#running.get(key) !== run || run.watch !== watch) return;
      this.#end(key, run, null, "SIGKILL", "Its lease ended before it was renewed.", true);
    };
    this.#schedule.at(this.#whenUs(run.leaseEndMs), { happen });
  }

  /** The agent's process is killed, and with it all it runs. */
  crash(): void {
    this.#life++;
    this.#running.clear();
  }

  #fate(spec: TaskSpec): { durationMs: number; exitCode: number } {
    const draw = this.#random.float();
    const failing = this.#random.int(1, this.#failEvery) === 1;
    const code = this.#random.int(1, 3);
    const argument = Number(spec.args[0] ?? "0");
    if (spec.command === "sleep") return { durationMs: argument * 1000, exitCode: 0 };
    const durationMs = 1 + draw * 79;
    if (spec.command === "false") return { durationMs, exitCode: 1 };
    if (spec.command === "exit") return { durationMs, exitCode: argument };
    return { durationMs, exitCode: failing ? code : 0 };
  }

  #end(key: string, run: Running, exitCode: number | null, signal: string, error: string, leaseOver = false): void {
    this.#running.delete(key);
    const outcome: TaskOutcome = {
      exitCode,
      signal,
      error,
      outputTail: `${RAN_UNDER}${run.token}`,
      durationMs: this.#schedule.nowMs - run.startedMs,
    };
    this.#ended({ taskId: run.spec.id, token: run.token, outcome, leaseOver });
  }
}

const RAN_UNDER = "ran under token ";

/** What a simulated task's output says: the token of the lease it ran under. Undefined for an outcome without a run. */
export function tokenOfRun(outputTail: string): number | undefined {
  return outputTail.startsWith(RAN_UNDER) ? Number(outputTail.slice(RAN_UNDER.length)) : undefined;
}

function runKey(taskId: string, token: number): string {
  return `${token}/${taskId}`;
}
