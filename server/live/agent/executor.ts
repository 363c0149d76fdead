import { type ChildProcess, spawn } from "node:child_process";
import type { Executor, TaskEnd } from "../../agent/world.ts";
import type { TaskOutcome, TaskSpec } from "../../core/tasks/types.ts";
import { LineReader } from "../lines.ts";
import { programEnvironment } from "../programs.ts";
import { killGroup, RUN_VARIABLE } from "../tasks/process-group.ts";
import { type FromWarden, machineMs, type ToWarden } from "../tasks/warden-protocol.ts";

/** A warden without tasks is let go after this long: it takes memory. */
const IDLE_MS = 30_000;

export interface TaskExecutorOptions {
  readonly swarm: string;
  readonly agent: string;
  readonly incarnation: number;
  /** Where tasks run: they cannot leave it by their `cwd`. */
  readonly folder: string;
  /** Path of dist/guardian.cjs. */
  readonly wardenProgram: string;
  /** The agent's clock. */
  readonly now: () => number;
  readonly output: (taskId: string, token: number, stream: "stdout" | "stderr", text: string) => void;
  readonly ended: (end: TaskEnd) => void;
  readonly note: (line: string) => void;
}

interface Run {
  readonly taskId: string;
  readonly token: number;
  readonly mark: string;
  readonly startedAtMs: number;
  pid: number | undefined;
}

interface Warden {
  readonly child: ChildProcess;
  readonly runs: Map<number, Run>;
  idle: NodeJS.Timeout | undefined;
}

/** Runs tasks through a warden (tasks/warden.ts), which is started with the first task and ends all of them if this agent is killed. */
export class TaskExecutor implements Executor {
  readonly #options: TaskExecutorOptions;
  #warden: Warden | undefined;
  #lastRun = 0;

  constructor(options: TaskExecutorOptions) {
    this.#options = options;
  }

  start(spec: TaskSpec, token: number): void {
    const warden = this.#readyWarden();
    const { swarm, agent, incarnation, folder } = this.#options;
    const run = ++this.#lastRun;
    const mark = `${swarm}/${agent}.${incarnation}/${token}`;
    warden.runs.set(run, { taskId: spec.id, token, mark, startedAtMs: performance.now(), pid: undefined });
    const environment = {
      [RUN_VARIABLE]: mark,
      AGENT_MESH_SWARM: swarm,
      AGENT_MESH_AGENT: agent,
      AGENT_MESH_TASK: spec.id,
      AGENT_MESH_TOKEN: String(token),
    };
    const { command, args, cwd, timeoutMs } = spec;
    this.#tell(warden, { type: "start", run, command, args, cwd, folder, timeoutMs, environment });
  }

  extend(taskId: string, token: number, untilMs: number): void {
    // By the machine's clock: this process may be stopped before the warden reads it.
    const machineUntilMs = machineMs() + untilMs - this.#options.now();
    this.#tellOf(taskId, token, (run) => ({ type: "leased", run, untilMs: machineUntilMs }));
  }

  stop(taskId: string, token: number): void {
    this.#tellOf(taskId, token, (run) => ({ type: "stop", run, reason: "It was stopped." }));
  }

  /** Whether a task's process may exist. */
  get busy(): boolean {
    return (this.#warden?.runs.size ?? 0) > 0;
  }

  /** Ends all tasks by force, and the warden. */
  close(): void {
    const warden = this.#warden;
    if (warden === undefined) return;
    this.#warden = undefined;
    clearTimeout(warden.idle);
    // The warden ends what it started when this pipe closes; groups that it told of are ended from here too, in case it is stuck.
    warden.child.stdin?.end();
    for (const { pid, mark } of warden.runs.values()) if (pid !== undefined) killGroup(pid, mark);
  }

  #readyWarden(): Warden {
    const warden = this.#warden ?? this.#startWarden();
    this.#warden = warden;
    clearTimeout(warden.idle);
    return warden;
  }

  #startWarden(): Warden {
    const child = spawn(process.execPath, ["--max-semi-space-size=1", this.#options.wardenProgram, "tasks"], {
      env: programEnvironment(),
      stdio: ["pipe", "pipe", "inherit"],
      // Its own process group: what ends this agent's group must not end it before it has ended the tasks.
      detached: true,
      windowsHide: true,
    });
    const warden: Warden = { child, runs: new Map(), idle: undefined };
    const lines = new LineReader((line) => this.#heard(warden, JSON.parse(line) as FromWarden));
    child.stdout?.setEncoding("utf8");
    child.stdout?.on("data", (text: string) => lines.add(text));
    // Writing to a warden that is gone; its end is told below.
    child.stdin?.on("error", () => {});
    child.on("error", (error) => this.#wardenGone(warden, error.message));
    child.on("exit", (code, signal) => this.#wardenGone(warden, signal ?? `exit code ${code}`));
    return warden;
  }

  #heard(warden: Warden, message: FromWarden): void {
    const run = warden.runs.get(message.run);
    if (run === undefined) return;
    if (message.type === "started") run.pid = message.pid;
    else if (message.type === "output") this.#options.output(run.taskId, run.token, message.stream, message.text);
    else this.#end(warden, message.run, run, message.outcome, message.leaseOver);
  }

  #end(warden: Warden, id: number, { taskId, token }: Run, outcome: TaskOutcome, leaseOver = false): void {
    warden.runs.delete(id);
    this.#options.ended({ taskId, token, outcome, leaseOver });
    if (warden.runs.size > 0 || this.#warden !== warden) return;
    warden.idle = setTimeout(() => this.close(), IDLE_MS);
    warden.idle.unref();
  }

  /** Without it nobody watches over its tasks: they are ended from here. */
  #wardenGone(warden: Warden, why: string): void {
    if (this.#warden !== warden) return;
    this.#warden = undefined;
    clearTimeout(warden.idle);
    if (warden.runs.size > 0)
      this.#options.note(`The process that runs this agent's tasks ended unexpectedly: ${why}.`);
    for (const [id, run] of [...warden.runs]) {
      if (run.pid !== undefined) killGroup(run.pid, run.mark);
      const error = `The process that runs this agent's tasks ended unexpectedly: ${why}.`;
      const durationMs = Math.round(performance.now() - run.startedAtMs);
      this.#end(warden, id, run, { exitCode: null, signal: "", error, outputTail: "", durationMs });
    }
  }

  #tellOf(taskId: string, token: number, message: (run: number) => ToWarden): void {
    const warden = this.#warden;
    if (warden === undefined) return;
    for (const [run, running] of warden.runs)
      if (running.taskId === taskId && running.token === token) this.#tell(warden, message(run));
  }

  #tell(warden: Warden, message: ToWarden): void {
    warden.child.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}
