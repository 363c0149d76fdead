// A swarm of three whose coordinator died in the middle of a change of members: its steps by hand, as members.ts takes them, and the next coordinator.

import { AgentConnection } from "../../server/client/connection.ts";
import type { ClientOperation, ClientValue } from "../../server/contract/client.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { makeKeys } from "../../server/live/identity.ts";
import { addAgent, readLife, readSwarm, readToken, rewriteSwarm } from "../../server/live/layout.ts";
import { freePorts } from "../../server/live/ports.ts";
import { isRunning } from "../../server/live/process.ts";
import { spawnAgent } from "../../server/live/spawn.ts";
import type { RosterAgent, SwarmFile } from "../../server/live/swarm-file.ts";
import { Ground, untilView } from "./ground.ts";

export class HalfChanged {
  readonly ground = new Ground();
  swarm = "";

  /** @param bringUp by the coordinator that dies: as dead as can be, the agents do not know what happened to it */
  async start(bringUp: (first: Coordinator) => Promise<SwarmView>): Promise<void> {
    const first = this.ground.coordinator();
    this.swarm = (await bringUp(first)).id;
    await untilView(first, this.swarm, "all is well", ({ health }) => health.level === "ok");
    await first.release();
  }

  async end(): Promise<void> {
    for (const { id } of this.#agents) {
      const life = readLife(this.ground.folder, this.swarm, id);
      if (life !== null && isRunning(life)) this.ground.rememberProcess(life.pid);
    }
    await this.ground.end();
  }

  get file(): SwarmFile {
    return readSwarm(this.ground.folder, this.swarm);
  }

  get #agents(): readonly RosterAgent[] {
    try {
      return this.file.agents;
    } catch {
      // Nothing of it is left.
      return [];
    }
  }

  /** Asks one agent, as the coordinator does. */
  async ask(agent: string, operation: ClientOperation): Promise<ClientValue> {
    const { port } = this.file.agents.find(({ id }) => id === agent) as RosterAgent;
    const connection = await AgentConnection.open({
      agent: { id: agent, port },
      token: readToken(this.ground.folder, this.swarm),
      swarm: this.swarm,
      signal: new AbortController().signal,
      onClosed: () => {},
    });
    try {
      return await connection.request(operation, 5_000);
    } finally {
      connection.close();
    }
  }

  async tellAll(): Promise<void> {
    const { agents, links } = this.file;
    const roster = agents.map(({ id, port, publicKey }) => ({ id, port, publicKey }));
    for (const { id } of agents.slice(0, 3)) await this.ask(id, { op: "setRoster", roster, links });
  }

  async layOut(as: "voter" | "learner"): Promise<void> {
    const before = this.file;
    const { publicKey, privateKey } = makeKeys();
    const [port] = await freePorts(1, 0);
    const entry: RosterAgent = { id: "a4", port: port as number, publicKey, joined: true, joining: as };
    const links = [...before.links, ...["a1", "a2", "a3"].map((a) => ({ a, b: "a4" }))];
    addAgent({ ...before, agents: [...before.agents, entry], links }, "a4", privateKey);
  }

  async spawnIt(): Promise<void> {
    await spawnAgent({ folder: this.ground.folder, swarm: this.swarm, agent: "a4" });
  }

  mark(id: string, more: Partial<RosterAgent>): void {
    const before = this.file;
    rewriteSwarm({
      ...before,
      agents: before.agents.map((entry) => (entry.id === id ? { ...entry, ...more } : entry)),
    });
  }

  async adopted(): Promise<Coordinator> {
    const next = this.ground.coordinator();
    await next.adopt([this.ground.folder]);
    return next;
  }

  /** What the next coordinator makes of it. */
  async becomes(what: string, holds: (view: SwarmView) => boolean): Promise<SwarmView> {
    return untilView(await this.adopted(), this.swarm, what, holds, 15_000);
  }
}
