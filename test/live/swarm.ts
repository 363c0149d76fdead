// A swarm of real processes in a folder of its own, which ends with everything it started and tells what was left.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Timing } from "../../server/contract/mesh.ts";
import type { AgentReport } from "../../server/contract/swarm.ts";
import type { AgentPlace } from "../../server/live/agent/startup.ts";
import { makeKeys, makeSwarmId, makeToken } from "../../server/live/identity.ts";
import { createSwarm } from "../../server/live/layout.ts";
import { freePorts } from "../../server/live/ports.ts";
import { isRunning, kill } from "../../server/live/process.ts";
import { type StartedAgent, spawnAgent } from "../../server/live/spawn.ts";
import type { SwarmFile } from "../../server/live/swarm-file.ts";
import { TestClient } from "./client.ts";
import { eventually } from "./waiting.ts";

export const LOCAL_TIMING: Timing = {
  profile: "local",
  heartbeatMs: 40,
  electionTimeoutMinMs: 200,
  electionTimeoutMaxMs: 400,
  probeIntervalMs: 400,
  probeTimeoutMs: 100,
  suspicionMultiplier: 1,
  memberHeartbeatMs: 100,
  suspectAfterMs: 350,
  failAfterMs: 250,
  failAfterClosedMs: 120,
};

export type SwarmWishes = Partial<
  Pick<
    SwarmFile,
    | "consensus"
    | "memory"
    | "detector"
    | "graceMs"
    | "detached"
    | "reads"
    | "slots"
    | "taskLeaseMs"
    | "links"
    | "topology"
    | "degree"
    | "timing"
    | "recording"
    | "proposals"
  >
>;

export class TestSwarm {
  readonly file: SwarmFile;
  readonly token: string;
  readonly processes = new Map<string, StartedAgent>();
  /** How an agent is started. */
  spawn: (place: AgentPlace) => Promise<StartedAgent> = spawnAgent;
  readonly #everStarted: StartedAgent[] = [];
  readonly #clients: TestClient[] = [];

  private constructor(file: SwarmFile, token: string) {
    this.file = file;
    this.token = token;
  }

  /** Laid out on disk; nothing runs yet. */
  static async make(count: number, wishes: SwarmWishes = {}): Promise<TestSwarm> {
    const folder = mkdtempSync(join(tmpdir(), "agent-mesh-live-"));
    const ids = Array.from({ length: count }, (_, at) => `a${at + 1}`);
    const ports = await freePorts(count, 0);
    const keys = new Map(ids.map((id) => [id, makeKeys()]));
    const file: SwarmFile = {
      version: 1,
      id: makeSwarmId(),
      name: "test",
      file: "",
      folder,
      createdAtMs: Date.now(),
      topology: "mesh",
      consensus: "raft",
      reads: "readIndex",
      detector: "swim",
      agents: ids.map((id, at) => ({ id, port: ports[at] as number, publicKey: keys.get(id)?.publicKey as string })),
      links: ids.flatMap((a, at) => ids.slice(at + 1).map((b) => ({ a, b }))),
      timing: LOCAL_TIMING,
      slots: 2,
      taskLeaseMs: 2_000,
      graceMs: 60_000,
      detached: false,
      recording: null,
      ...wishes,
    };
    const token = makeToken();
    createSwarm(file, token, new Map([...keys].map(([id, { privateKey }]) => [id, privateKey])));
    return new TestSwarm(file, token);
  }

  static async start(count: number, wishes: SwarmWishes = {}): Promise<TestSwarm> {
    const swarm = await TestSwarm.make(count, wishes);
    await Promise.all(swarm.ids.map((id) => swarm.startAgent(id)));
    return swarm;
  }

  get ids(): readonly string[] {
    return this.file.agents.map(({ id }) => id);
  }

  place(id: string): AgentPlace {
    return { folder: this.file.folder, swarm: this.file.id, agent: id };
  }

  port(id: string): number {
    const agent = this.file.agents.find((one) => one.id === id);
    assert.ok(agent);
    return agent.port;
  }

  async startAgent(id: string): Promise<StartedAgent> {
    const started = await this.spawn(this.place(id));
    this.processes.set(id, started);
    this.#everStarted.push(started);
    return started;
  }

  process(id: string): StartedAgent {
    const started = this.processes.get(id);
    assert.ok(started, `${id} was started`);
    return started;
  }

  kill(id: string): void {
    kill(this.process(id));
    this.processes.delete(id);
  }

  async client(id: string): Promise<TestClient> {
    const client = await TestClient.open(this.port(id), this.token);
    this.#clients.push(client);
    return client;
  }

  /** Reports of those that are asked, once `agreed` of them says so. */
  async reports(what: string, ids: readonly string[], agreed: (reports: readonly AgentReport[]) => boolean) {
    const clients = await Promise.all(ids.map((id) => this.client(id)));
    try {
      return await eventually(what, async () => {
        const reports = await Promise.all(clients.map((client) => client.report()));
        return agreed(reports) && reports;
      });
    } finally {
      for (const client of clients) client.close();
    }
  }

  /** The one leader, or primary, that all of these agents follow. */
  async leader(ids: readonly string[] = this.ids): Promise<string> {
    const reports = await this.reports(`a leader of ${ids.join(", ")}`, ids, (all) => {
      const leader = all.find(({ role }) => role === "leader" || role === "primary");
      return leader !== undefined && all.every((one) => one.leader === leader.agent && one.term === leader.term);
    });
    return reports[0]?.leader as string;
  }

  /** Ends everything, by force where needed. @returns what was still there although it should not be */
  async end(): Promise<string[]> {
    for (const client of this.#clients) client.close();
    const left: string[] = [];
    for (const started of this.#everStarted) kill(started);
    for (const started of this.#everStarted) {
      await eventually(`process ${started.pid} ends`, () => !isRunning(started)).catch((error: Error) =>
        left.push(error.message),
      );
    }
    // A killed process's threads give its sockets up a moment after it counts as ended.
    for (const { id, port } of this.file.agents)
      await eventually(`port ${port} of ${id} is free`, async () => !(await listens(port)), 2_000).catch(
        (error: Error) => left.push(error.message),
      );
    rmSync(this.file.folder, { recursive: true, force: true });
    return left;
  }
}

/** Whether somebody listens on a port of the loopback interface. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
