import { type ChildProcess, spawn } from "node:child_process";
import { realpathSync, statSync } from "node:fs";
import { resolve, sep } from "node:path";
import type { TaskOutcome } from "../../core/tasks/types.ts";
import { LongTimer } from "./long-timer.ts";
import { OutputTail } from "./output-tail.ts";
import { killGroup, RUN_VARIABLE, terminateGroup } from "./process-group.ts";
import { machineMs, type ToWarden } from "./warden-protocol.ts";

/** Between the request to end and the end by force. */
export const STOP_GRACE_MS = 2_000;
/** After the program has ended, for the rest of its output. */
const DRAIN_MS = 500;
/** What a person's own program should not inherit from how this one was started. */
const OURS = ["ELECTRON_RUN_AS_NODE", "NODE_COMPILE_CACHE", "NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE"];

export interface RunEvents {
  readonly started: (pid: number) => void;
  readonly output: (stream: "stdout" | "stderr", text: string) => void;
  /** Once. `leaseOver`: it was ended because its lease was. */
  readonly ended: (outcome: TaskOutcome, leaseOver: boolean) => void;
}

/** One run of a program, a task's or another: a process group of its own, its output, its end. */
export class TaskRun {
  readonly #events: RunEvents;
  readonly #tail = new OutputTail();
  readonly #startedAtMs = performance.now();
  readonly #mark: string;
  #child: ChildProcess | undefined;
  #whyEnded = "";
  #over = false;
  #leaseOver = false;
  readonly #limit = new LongTimer();
  readonly #lease = new LongTimer();
  #timers: NodeJS.Timeout[] = [];

  constructor(order: Extract<ToWarden, { readonly type: "start" }>, events: RunEvents) {
    this.#events = events;
    this.#mark = order.environment[RUN_VARIABLE] ?? `${process.pid}.${order.run}`;
    let cwd: string;
    try {
      cwd = placeInside(order.folder, order.cwd);
    } catch (error) {
      this.#finish(null, "", (error as Error).message);
      return;
    }
    this.#start(order, cwd);
  }

  /** Asks it to end, and ends it by force if it has not after 2 s. */
  stop(reason: string): void {
    if (this.#over || this.#whyEnded !== "") return;
    this.#whyEnded = reason;
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    if (process.platform === "win32") this.kill();
    else terminateGroup(pid);
    this.#after(STOP_GRACE_MS, () => this.kill());
  }

  /**
   * Its lease lasts until then, unless more is said: then it is ended by force, because another agent may run it from then on.
   * @param untilMs of `machineMs`
   */
  leased(untilMs: number): void {
    if (this.#over) return;
    this.#lease.set(Math.max(0, untilMs - machineMs()), () => {
      if (this.#whyEnded === "") {
        this.#whyEnded = "Its lease ended before it was renewed.";
        this.#leaseOver = true;
      }
      this.kill();
    });
  }

  /** Ends it and all it started, at once. */
  kill(): void {
    if (this.#child?.pid !== undefined) killGroup(this.#child.pid, this.#mark);
  }

  /** Whoever takes the output is slower than it comes, or has caught up. */
  hold(held: boolean): void {
    for (const stream of [this.#child?.stdout, this.#child?.stderr]) {
      if (held) stream?.pause();
      else stream?.resume();
    }
  }

  #start(order: Extract<ToWarden, { readonly type: "start" }>, cwd: string): void {
    const environment: NodeJS.ProcessEnv = { ...process.env, ...order.environment, [RUN_VARIABLE]: this.#mark };
    for (const name of OURS) delete environment[name];
    let child: ChildProcess;
    try {
      child = spawn(order.command, order.args, {
        cwd,
        env: environment,
        shell: false,
        // Its own process group, so that all it starts can be ended with it.
        detached: process.platform !== "win32",
        stdio: [order.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
        windowsHide: true,
      });
    } catch (error) {
      this.#finish(null, "", startProblem(order.command, error as NodeJS.ErrnoException));
      return;
    }
    this.#child = child;
    child.on("spawn", () => this.#events.started(child.pid as number));
    child.on("error", (error) => {
      if (child.pid === undefined) this.#finish(null, "", startProblem(order.command, error));
    });
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.setEncoding("utf8");
      child[stream]?.on("data", (text: string) => {
        if (this.#over) return;
        this.#tail.add(text);
        if (order.quiet !== true) this.#events.output(stream, text);
      });
    }
    // A program may end, or close it, before it has read all.
    child.stdin?.on("error", () => {});
    child.stdin?.end(order.input);
    child.on("exit", (code, signal) => this.#exited(child, code, signal));
    if (order.timeoutMs > 0)
      this.#limit.set(order.timeoutMs, () => this.stop(`It ran longer than ${order.timeoutMs} ms and was ended.`));
  }

  /** The program has ended: what it left behind ends too, then the rest of the output is read. */
  #exited(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    // On Windows its tree can no longer be found, and its id may be another's already.
    if (process.platform !== "win32") this.kill();
    const finish = (): void => this.#finish(code, signal ?? "", this.#whyEnded);
    child.on("close", finish);
    this.#after(DRAIN_MS, finish);
  }

  #finish(exitCode: number | null, signal: string, error: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#limit.clear();
    this.#lease.clear();
    for (const timer of this.#timers) clearTimeout(timer);
    const durationMs = Math.round(performance.now() - this.#startedAtMs);
    // Not from within the constructor: whoever made it does not have it yet.
    queueMicrotask(() => {
      const outcome = { exitCode, signal, error, outputTail: this.#tail.text(), durationMs };
      this.#events.ended(outcome, this.#leaseOver);
    });
  }

  #after(ms: number, call: () => void): void {
    this.#timers.push(setTimeout(call, ms));
  }
}

/** @throws Error when the folder does not exist or lies outside, also by way of a symbolic link */
function placeInside(folder: string, cwd: string): string {
  const home = realpathSync(folder);
  let place: string;
  try {
    place = realpathSync(resolve(home, cwd));
  } catch {
    throw new Error(`The folder ${JSON.stringify(cwd)} does not exist in ${home}.`);
  }
  if (place !== home && !place.startsWith(home.endsWith(sep) ? home : home + sep))
    throw new Error(
      `The folder ${JSON.stringify(cwd)} lies outside ${home}; programs run inside the swarm's folder only.`,
    );
  if (!statSync(place).isDirectory()) throw new Error(`${JSON.stringify(cwd)} is not a folder.`);
  return place;
}

function startProblem(command: string, error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT")
    return `The program ${JSON.stringify(command)} was not found. Check its name and the PATH.`;
  if (error.code === "EACCES") return `The program ${JSON.stringify(command)} may not be executed by this user.`;
  return `The program ${JSON.stringify(command)} could not be started: ${error.message}.`;
}
