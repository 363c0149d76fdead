// The command line as people run it: dist/cli.cjs as a process, in a folder of its own; all that was started ends with the test.

import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { devNull, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { identityOf, isRunning, kill, type ProcessIdentity } from "../../server/live/process.ts";
import { listens } from "../live/swarm.ts";
import { eventually, withDeadline } from "../live/waiting.ts";

const CLI = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "dist", "cli.cjs");
/** One command, on a machine that is busy with other tests. */
const COMMAND_MS = 30_000;

type Spawned = ChildProcessByStdio<null, Readable, Readable>;

/** One line of `--json`. */
export type JsonLine = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Terminal {
  readonly folder = mkdtempSync(join(tmpdir(), "agent-mesh-cli-"));
  readonly #children: Spawned[] = [];
  readonly #agents: ProcessIdentity[] = [];
  readonly #ports = new Set<number>();

  /** Writes a mesh file into the folder. @returns its path */
  mesh(text: string, name = "test.mesh.yaml"): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** @param options stdin: a file to read from; absent: nothing */
  start(args: readonly string[], options: { readonly cwd?: string; readonly stdin?: string } = {}): Running {
    const stdin = openSync(options.stdin ?? devNull, "r");
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: options.cwd ?? this.folder,
      stdio: [stdin, "pipe", "pipe"],
    }) as Spawned;
    closeSync(stdin);
    this.#children.push(child);
    return new Running(child, args.join(" "));
  }

  run(...args: string[]): Promise<Ended> {
    return this.start(args).ended();
  }

  /** With `--json`, which prints exactly one document. */
  async json<T>(code: number, ...args: string[]): Promise<T> {
    const cut = args.indexOf("--");
    const flagged = cut < 0 ? [...args, "--json"] : [...args.slice(0, cut), "--json", ...args.slice(cut)];
    const ended = await this.run(...flagged);
    assert.equal(ended.code, code, `${args.join(" ")}: ${ended.stderr}${ended.stdout}`);
    const lines = ended.stdout.split("\n").filter((line) => line !== "");
    assert.equal(lines.length, 1, `one document: ${ended.stdout}`);
    return JSON.parse(lines[0] as string) as T;
  }

  /** `agent-mesh up --json`, once the swarm is up. */
  async up(file: string, ...args: string[]): Promise<{ readonly running: Running; readonly swarm: SwarmView }> {
    const running = this.start(["up", file, "--json", ...args]);
    const { swarm } = (await running.line("up")) as unknown as { swarm: SwarmView };
    this.remember(swarm);
    return { running, swarm };
  }

  /** Its processes end with the test, also when the command line fails to end them. */
  remember(swarm: SwarmView): void {
    for (const { pid, port } of swarm.agents) {
      if (pid !== null) this.#agents.push(identityOf(pid));
      this.#ports.add(port);
    }
  }

  get agentsRunning(): number[] {
    return this.#agents.filter(isRunning).map(({ pid }) => pid);
  }

  /** What is left on disk of swarms. */
  get files(): string[] {
    const home = join(this.folder, ".agent-mesh");
    return existsSync(home) ? readdirSync(home) : [];
  }

  /** No process, no port, no file. */
  async assertNothingLeft(): Promise<void> {
    assert.deepEqual(this.agentsRunning, []);
    assert.deepEqual(this.files, []);
    for (const port of this.#ports) await eventually(`port ${port} is free`, async () => !(await listens(port)), 2000);
  }

  /** The agents' processes have ended. */
  allEnded(withinMs?: number): Promise<true> {
    return eventually("the agents end", () => this.agentsRunning.length === 0, withinMs);
  }

  end(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    for (const agent of this.#agents) kill(agent);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One command that runs. */
export class Running {
  readonly #child: Spawned;
  readonly #what: string;
  readonly #end: Promise<Ended>;
  #stdout = "";
  #stderr = "";
  #over = false;

  constructor(child: Spawned, what: string) {
    this.#child = child;
    this.#what = what;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.#end = new Promise((resolve) =>
      child.once("close", (code) => {
        this.#over = true;
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr });
      }),
    );
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get lines(): JsonLine[] {
    const whole = this.#stdout.slice(0, this.#stdout.lastIndexOf("\n") + 1);
    return whole
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as JsonLine);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Reads nothing more of it, as `| head -1` does. */
  hangUp(): void {
    this.#child.stdout.destroy();
  }

  async line(type: string, holds: (line: JsonLine) => boolean = () => true): Promise<JsonLine> {
    return eventually(
      `${this.#what} says ${type}`,
      () => {
        const found = this.lines.find((line) => line.type === type && holds(line));
        if (found === undefined && this.#over) assert.fail(`${this.#what} ended first: ${this.#stderr}${this.#stdout}`);
        return found;
      },
      COMMAND_MS,
    );
  }

  async text(pattern: RegExp): Promise<void> {
    await eventually(`${this.#what} says ${pattern}`, () => pattern.test(this.#stdout), COMMAND_MS);
  }

  ended(withinMs = COMMAND_MS): Promise<Ended> {
    return withDeadline(this.#end, withinMs, `${this.#what} ends`);
  }
}

/** Of the coordinator that a swarm's lock names. */
export function lockOf(folder: string, swarm: string): { readonly pid: number } {
  return JSON.parse(readFileSync(join(folder, ".agent-mesh", swarm, "coordinator.lock"), "utf8")) as { pid: number };
}
