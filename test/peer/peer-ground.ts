// A swarm with its coordinator, and what joins it from this process; all of it ends with the test.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { readJoinSecret } from "../../server/live/layout.ts";
import { type JoinedAgent, type JoinOptions, joinSwarm } from "../../server/peer/join-swarm.ts";
import { Ground, untilView } from "../coordinator/ground.ts";

export class PeerGround {
  readonly ground = new Ground();
  coordinator: Coordinator = this.ground.coordinator();
  readonly #dirs: string[] = [];
  readonly #peers: JoinedAgent[] = [];
  swarm = "";

  async start(agents = 3): Promise<void> {
    this.swarm = (await this.ground.quick(this.coordinator, agents)).id;
  }

  async startMesh(mesh: string): Promise<void> {
    this.swarm = (await this.ground.init(this.coordinator, mesh)).id;
  }

  view(): Promise<SwarmView> {
    return this.coordinator.handle("swarm", { swarm: this.swarm });
  }

  until(what: string, holds: (view: SwarmView) => boolean): Promise<SwarmView> {
    return untilView(this.coordinator, this.swarm, what, holds, 20_000);
  }

  get secret(): string {
    const secret = readJoinSecret(this.ground.folder, this.swarm);
    assert.ok(secret);
    return secret;
  }

  async port(agent: string): Promise<number> {
    const found = (await this.view()).agents.find(({ id }) => id === agent);
    assert.ok(found);
    return found.port;
  }

  /** Another folder, as another program has one. */
  dir(): string {
    const dir = mkdtempSync(join(tmpdir(), "agent-mesh-peer-"));
    this.#dirs.push(dir);
    return dir;
  }

  async join(options: Partial<JoinOptions> & { readonly seed?: string } = {}): Promise<JoinedAgent> {
    const { seed = "a1", ...wishes } = options;
    const address = options.address ?? `127.0.0.1:${await this.port(seed)}`;
    const peer = await joinSwarm({ address, secret: this.secret, dir: this.dir(), ...wishes });
    this.#peers.push(peer);
    return peer;
  }

  /** That it goes on deciding. */
  async decides(key: string): Promise<void> {
    const put = { swarm: this.swarm, op: "put", namespace: "still", key, text: "here" } as const;
    const answer = await this.coordinator.handle("memory", put);
    assert.equal(answer.type, "written");
  }

  /** Events of a kind on the timeline: their lane and fields. */
  async events(kind: string): Promise<readonly { readonly agent: string; readonly fields: object }[]> {
    const { events } = await this.coordinator.handle("timelineSearch", {
      swarm: this.swarm,
      text: `kind:${kind}`,
      limit: 1000,
    });
    return events.map(({ agent, fields }) => ({ agent, fields }));
  }

  async end(): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.stop()));
    await this.ground.end();
    for (const dir of this.#dirs) rmSync(dir, { recursive: true, force: true });
  }
}
