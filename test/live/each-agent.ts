// Agents that are each asked by themselves: what one says is its own word, not the swarm's.

import assert from "node:assert/strict";
import type { AgentReport } from "../../server/contract/swarm.ts";
import type { TestClient } from "./client.ts";
import type { TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

/** A client at each agent of a swarm. */
export class EachAgent {
  readonly #swarm: TestSwarm;
  readonly #clients = new Map<string, TestClient>();

  private constructor(swarm: TestSwarm) {
    this.#swarm = swarm;
  }

  static async of(swarm: TestSwarm): Promise<EachAgent> {
    const each = new EachAgent(swarm);
    for (const id of swarm.ids) await each.open(id);
    return each;
  }

  /** Also of an agent that was started again. */
  async open(id: string): Promise<void> {
    this.#clients.set(id, await this.#swarm.client(id));
  }

  readonly at = (id: string): TestClient => {
    const client = this.#clients.get(id);
    assert.ok(client);
    return client;
  };

  /** Waits until each of these has it. */
  readsAs(key: string, value: string, ids: readonly string[] = this.#swarm.ids): Promise<true> {
    return eventually(`${key} is ${value} at ${ids.join(", ")}`, async () => {
      const read = await Promise.all(ids.map((id) => this.at(id).get(key)));
      return read.every((one) => one === value);
    });
  }

  /** Waits until all say the same of what converges, and that they know it. @param agreementOf how probable an agent holds that */
  converged(agreementOf: (report: AgentReport) => number | undefined): Promise<readonly AgentReport[]> {
    return this.#swarm.reports("all hold the same, and know it", this.#swarm.ids, (all) => {
      const hashes = new Set(all.map(({ convergedHash }) => convergedHash));
      return hashes.size === 1 && !hashes.has(undefined) && all.every((report) => agreementOf(report) === 1);
    });
  }
}
