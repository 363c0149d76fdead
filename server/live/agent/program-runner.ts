import { type ChildProcess, spawn } from "node:child_process";
import type { TaskOutcome } from "../../core/tasks/types.ts";
import { LineReader } from "../lines.ts";
import { programEnvironment } from "../programs.ts";
import { killGroup, RUN_VARIABLE } from "../tasks/process-group.ts";
import type { FromWarden, ToWarden } from "../tasks/warden-protocol.ts";

/** A warden without programs is let go after this long: it takes memory. */
const IDLE_MS = 30_000;

export interface ProgramRunnerOptions {
  /** Path of dist/guardian.cjs. */
  readonly wardenProgram: string;
  readonly note: (line: string) => void;
}

export interface ProgramOrder extends Omit<Extract<ToWarden, { readonly type: "start" }>, "type" | "run"> {
  /** Names the run in the environment of all its processes, so that those that left its group are found. Unique on this machine. */
  readonly mark: string;
}

export interface ProgramEvents {
  readonly output?: (stream: "stdout" | "stderr", text: string) => void;
  /** Once, on a later turn of the event loop. `leaseOver`: it was ended because its lease was. */
  readonly ended: (outcome: TaskOutcome, leaseOver: boolean) => void;
}

export interface ProgramRun {
  /** It is ended then, unless more is said. @param untilMs of `machineMs` */
  leased(untilMs: number): void;
  /** Asks it to end, then ends it by force. It still reports its end. */
  stop(reason: string): void;
}

interface Run {
  readonly mark: string;
  readonly startedAtMs: number;
  readonly events: ProgramEvents;
  pid: number | undefined;
}

interface Warden {
  readonly child: ChildProcess;
  readonly runs: Map<number, Run>;
  idle: NodeJS.Timeout | undefined;
}

/** Runs programs through a warden (tasks/warden.ts), which is started with the first one and ends all of them if this agent is killed. */
export class ProgramRunner {
  readonly #options: ProgramRunnerOptions;
  #warden: Warden | undefined;
  #lastRun = 0;

  constructor(options: ProgramRunnerOptions) {
    this.#options = options;
  }

  start({ mark, ...order }: ProgramOrder, events: ProgramEvents): ProgramRun {
    const warden = this.#readyWarden();
    const run = ++this.#lastRun;
    warden.runs.set(run, { mark, startedAtMs: performance.now(), events, pid: undefined });
    this.#tell(warden, {
      type: "start",
      run,
      ...order,
      environment: { ...order.environment, [RUN_VARIABLE]: mark },
    });
    const tell = (message: ToWarden): void => {
      if (this.#warden === warden && warden.runs.has(run)) this.#tell(warden, message);
    };
    return {
      leased: (untilMs) => tell({ type: "leased", run, untilMs }),
      stop: (reason) => tell({ type: "stop", run, reason }),
    };
  }

  /** Ends all programs by force, and the warden. Their ends are not reported any more. */
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
      // Its own process group: what ends this agent's group must not end it before it has ended the programs.
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
    if (run === undefined || this.#warden !== warden) return;
    if (message.type === "started") run.pid = message.pid;
    else if (message.type === "output") run.events.output?.(message.stream, message.text);
    else this.#end(warden, message.run, run, message.outcome, message.leaseOver);
  }

  #end(warden: Warden, id: number, { events }: Run, outcome: TaskOutcome, leaseOver: boolean): void {
    warden.runs.delete(id);
    events.ended(outcome, leaseOver);
    if (warden.runs.size > 0 || this.#warden !== warden) return;
    warden.idle = setTimeout(() => this.close(), IDLE_MS);
    warden.idle.unref();
  }

  /** Without it nobody watches over its programs: they are ended from here. */
  #wardenGone(warden: Warden, why: string): void {
    if (this.#warden !== warden) return;
    this.#warden = undefined;
    clearTimeout(warden.idle);
    const error = `The process that runs this agent's programs ended unexpectedly: ${why}.`;
    if (warden.runs.size > 0) this.#options.note(error);
    for (const [id, run] of [...warden.runs]) {
      if (run.pid !== undefined) killGroup(run.pid, run.mark);
      const durationMs = Math.round(performance.now() - run.startedAtMs);
      this.#end(warden, id, run, { exitCode: null, signal: "", error, outputTail: "", durationMs }, false);
    }
  }

  #tell(warden: Warden, message: ToWarden): void {
    warden.child.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}
