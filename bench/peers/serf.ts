import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { freePorts } from "../../server/live/ports.ts";

export function serfVersion(): string | undefined {
  const { status, stdout } = spawnSync("serf", ["version"], { encoding: "utf8" });
  return status === 0 ? (/^(?:Serf )?v?(\d\S*)/.exec(stdout)?.[1] ?? "unknown") : undefined;
}

interface Member {
  readonly name: string;
  readonly process: ChildProcess;
  /** When each other member was reported failed, ms since the epoch. */
  readonly failedAtMs: Map<string, number>;
  joined: number;
}

/** serf agents on loopback with the lan profile, watched through their own event log. */
export class SerfCluster {
  readonly #members: Member[] = [];

  static async start(count: number): Promise<SerfCluster> {
    const cluster = new SerfCluster();
    const ports = await freePorts(count * 2, 0);
    for (let at = 0; at < count; at++) {
      const args = [
        "agent",
        "-node",
        `s${at}`,
        "-bind",
        `127.0.0.1:${ports[at]}`,
        "-rpc-addr",
        `127.0.0.1:${ports[count + at]}`,
        "-profile",
        "lan",
        "-log-level",
        "info",
      ];
      if (at > 0) args.push("-retry-join", `127.0.0.1:${ports[0]}`);
      const process = spawn("serf", args, { stdio: ["ignore", "pipe", "pipe"] });
      const member: Member = { name: `s${at}`, process, failedAtMs: new Map(), joined: 0 };
      const hear = (chunk: Buffer): void => {
        const now = Date.now();
        for (const line of chunk.toString("utf8").split("\n")) {
          if (line.includes("EventMemberJoin")) member.joined++;
          const failed = /EventMemberFailed: (\S+)/.exec(line);
          if (failed) member.failedAtMs.set(failed[1] as string, now);
        }
      };
      process.stdout?.on("data", hear);
      process.stderr?.on("data", hear);
      cluster.#members.push(member);
    }
    await until(
      () => cluster.#members.every((member) => member.joined >= count),
      60_000,
      "all serf agents to know each other",
    );
    return cluster;
  }

  /** Kills the last one; ms until every survivor has reported it failed. */
  async detect(): Promise<number> {
    const victim = this.#members.pop() as Member;
    const killedMs = Date.now();
    victim.process.kill("SIGKILL");
    await until(
      () => this.#members.every((member) => member.failedAtMs.has(victim.name)),
      120_000,
      "all serf agents to report the failure",
    );
    return Math.max(...this.#members.map((member) => member.failedAtMs.get(victim.name) as number)) - killedMs;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#members.map(({ process }) => {
        const gone = new Promise((resolve) => process.once("exit", resolve));
        process.kill("SIGKILL");
        return gone;
      }),
    );
  }
}

async function until(holds: () => boolean, timeoutMs: number, what: string): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
