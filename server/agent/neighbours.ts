import type { AgentId } from "../core/consensus.ts";
import type { Routes } from "../core/overlay/routes.ts";
import type { Random } from "../core/random.ts";
import { LinkMetrics } from "./metrics.ts";

/** An agent's links: which of them are up, and what passes over them. Counts for each configured one; for one that is none any more as long as it is up. */
export class Neighbours {
  readonly metrics = new Map<AgentId, LinkMetrics>();
  readonly #self: AgentId;
  readonly #routes: Routes;
  readonly #random: Random;

  constructor(self: AgentId, routes: Routes, random: Random) {
    this.#self = self;
    this.#routes = routes;
    this.#random = random;
    this.meet();
  }

  /** The routes have grown. */
  meet(): void {
    const neighbours = this.#routes.neighbours();
    for (const [peer, { up }] of this.metrics) if (!up && !neighbours.includes(peer)) this.metrics.delete(peer);
    for (const peer of neighbours) {
      if (this.metrics.has(peer)) continue;
      this.#routes.setLink(this.#self, peer, false);
      this.metrics.set(peer, new LinkMetrics(this.#random.fork(peer)));
    }
  }

  /** @returns whether that is news. */
  changed(peer: AgentId, up: boolean): boolean {
    const link = this.metrics.get(peer);
    if (link === undefined || (!up && !link.up)) return false;
    link.up = up;
    this.#routes.setLink(this.#self, peer, up);
    if (!up) this.meet();
    return true;
  }
}
