import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { freePorts } from "../../server/live/ports.ts";

const START_TIMEOUT_MS = 60_000;
const DETECT_TIMEOUT_MS = 120_000;

export function serfVersion(): string | undefined {
  const { status, stdout } = spawnSync("serf", ["version"], { encoding: "utf8" });
  return status === 0 ? (/^(?:Serf )?v?(\d\S*)/.exec(stdout)?.[1] ?? "unknown") : undefined;
}

/** What a line of a serf agent's log at level info says of a member. suspected: by the agent's own probes. */
export type SerfVerdict = "joined" | "failed" | "suspected";

const SAYS: Readonly<Record<SerfVerdict, RegExp>> = {
  joined: /EventMemberJoin: (\S+)/,
  failed: /EventMemberFailed: (\S+)/,
  suspected: /memberlist: Suspect (\S+) has failed/,
};

export function readSerfLine(line: string): { readonly verdict: SerfVerdict; readonly member: string } | undefined {
  for (const verdict of ["joined", "failed", "suspected"] as const) {
    const member = SAYS[verdict].exec(line)?.[1];
    if (member !== undefined) return { verdict, member };
  }
  return undefined;
}

interface Member {
  readonly name: string;
  readonly process: ChildProcess;
  /** When each member was first said to be there, this one included, ms since the epoch. */
  readonly joinedAtMs: Map<string, number>;
  /** When each other member was last reported failed, ms since the epoch. */
  readonly failedAtMs: Map<string, number>;
  failed: number;
  suspected: number;
}

/** A cluster for one measurement. */
export async function withSerf<T>(count: number, measure: (cluster: SerfCluster) => Promise<T>): Promise<T> {
  const cluster = new SerfCluster();
  try {
    await cluster.start(count);
    return await measure(cluster);
  } finally {
    await cluster.stop();
  }
}

/** serf agents on loopback with the lan profile, watched through their own event log. */
export class SerfCluster {
  readonly #members: Member[] = [];
  #startMs = 0;

  /** The first one a moment before the others: whoever finds nobody to join tries again only 30 s later. */
  async start(count: number): Promise<void> {
    const ports = await freePorts(count * 2, 0);
    this.#startMs = Date.now();
    for (let at = 0; at < count; at++) {
      const join = at === 0 ? [] : ["-retry-join", `127.0.0.1:${ports[0]}`];
      this.#spawn(`s${at}`, ports[at] as number, ports[count + at] as number, join);
      const [first] = this.#members;
      if (at === 0) await until(() => first?.joinedAtMs.has("s0") === true, START_TIMEOUT_MS, "serf to start");
    }
    await until(
      () => this.#members.every((member) => member.joinedAtMs.size >= count),
      START_TIMEOUT_MS,
      "all serf agents to know each other",
    );
  }

  /** How those that were started found each other: from the moment the last one had joined itself, and from the first one's start, until all knew all. */
  get joining(): { readonly sinceLastUpMs: number; readonly sinceStartMs: number } {
    const upMs = Math.max(...this.#members.map(({ name, joinedAtMs }) => joinedAtMs.get(name) as number));
    const allMs = Math.max(...this.#members.flatMap(({ joinedAtMs }) => [...joinedAtMs.values()]));
    return { sinceLastUpMs: allMs - upMs, sinceStartMs: allMs - this.#startMs };
  }

  /** Verdicts so far, all agents together. */
  get alarms(): { readonly failed: number; readonly suspected: number } {
    const sum = (of: (member: Member) => number): number => this.#members.reduce((all, one) => all + of(one), 0);
    return { failed: sum(({ failed }) => failed), suspected: sum(({ suspected }) => suspected) };
  }

  /** @throws Error when one has ended */
  requireRunning(): void {
    for (const { name, process } of this.#members)
      if (process.exitCode !== null || process.signalCode !== null) throw new Error(`serf's ${name} has ended`);
  }

  /** Kills the last one; ms until every survivor has reported it failed. */
  async detect(): Promise<number> {
    const victim = this.#members.pop() as Member;
    for (const member of this.#members) member.failedAtMs.delete(victim.name);
    const killedMs = Date.now();
    victim.process.kill("SIGKILL");
    await until(
      () => this.#members.every((member) => member.failedAtMs.has(victim.name)),
      DETECT_TIMEOUT_MS,
      "all serf agents to report the failure",
    );
    return Math.max(...this.#members.map((member) => member.failedAtMs.get(victim.name) as number)) - killedMs;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#members.map(({ process }) => {
        if (process.exitCode !== null || process.signalCode !== null) return undefined;
        const gone = new Promise((resolve) => process.once("exit", resolve));
        process.kill("SIGKILL");
        return gone;
      }),
    );
  }

  #spawn(name: string, port: number, rpcPort: number, join: readonly string[]): void {
    const bind = ["-bind", `127.0.0.1:${port}`, "-rpc-addr", `127.0.0.1:${rpcPort}`];
    const args = ["agent", "-node", name, ...bind, "-profile", "lan", "-log-level", "info", ...join];
    const process = spawn("serf", args, { stdio: ["ignore", "pipe", "pipe"] });
    const member: Member = {
      name,
      process,
      joinedAtMs: new Map(),
      failedAtMs: new Map(),
      failed: 0,
      suspected: 0,
    };
    for (const output of [process.stdout, process.stderr])
      createInterface({ input: output }).on("line", (line) => hear(member, line));
    this.#members.push(member);
  }
}

function hear(member: Member, line: string): void {
  const said = readSerfLine(line);
  if (said === undefined) return;
  if (said.verdict === "suspected") member.suspected++;
  else if (said.verdict === "joined" && !member.joinedAtMs.has(said.member))
    member.joinedAtMs.set(said.member, Date.now());
  else if (said.verdict === "failed") {
    member.failed++;
    member.failedAtMs.set(said.member, Date.now());
  }
}

async function until(holds: () => boolean, timeoutMs: number, what: string): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
