import { planTopology } from "../core/overlay/optimise.ts";
import type { Link } from "../core/overlay/types.ts";
import type { Zones } from "../core/overlay/zones.ts";
import type { Random } from "../core/random.ts";
import type { SimNetwork } from "./network.ts";
import type { Schedule } from "./schedule.ts";
import type { SimWorld } from "./world.ts";

export interface RewirerOptions {
  /** All agents of the swarm, in the order of the roster; whoever joins besides has no links here. */
  readonly worlds: readonly SimWorld[];
  readonly network: SimNetwork;
  readonly links: readonly Link[];
  readonly zones: Zones;
  /** Agents hear of it within this, each at another moment, ms. */
  readonly spreadMs: number;
  /** For new links to come up, ms; then all goes back, and it is tried again. */
  readonly patienceMs: number;
  readonly rewired: () => void;
}

/**
 * Carries a plan of a topology out as the coordinator of a live swarm does: all agents are told of both, the old and the new links; once the new ones are up, of the new ones alone. Each is told at
 * another moment, or, if it is down, reads it at its next start. Unlike a coordinator it asks nobody whether all is well before.
 */
export class Rewirer {
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #options: RewirerOptions;
  readonly #places: ReadonlyMap<string, number>;
  #stopped = false;

  constructor(schedule: Schedule, random: Random, options: RewirerOptions) {
    this.#schedule = schedule;
    this.#random = random;
    this.#options = options;
    this.#places = new Map(options.worlds.map(({ id, index }) => [id, index]));
  }

  start(afterMs: number): void {
    this.#schedule.afterMs(afterMs, () => this.#rewire());
  }

  /** Begins nothing any more; what is under way ends. */
  stop(): void {
    this.#stopped = true;
  }

  #rewire(): void {
    if (this.#stopped) return;
    const { worlds, links, zones, network, patienceMs, rewired } = this.#options;
    const agents = worlds.map(({ id }) => id);
    const measured = links.map((link) => ({ ...link, latencyMs: network.baseMs(...this.#ends(link)) }));
    const { add, drop, links: after } = planTopology({ agents, links, measured, zones });
    this.#tell([...links, ...add], () => {
      for (const link of add) network.join(...this.#ends(link));
      const deadlineMs = this.#schedule.nowMs + patienceMs;
      const look = (): void => {
        if (add.every((link) => network.isUp(...this.#ends(link)))) {
          for (const link of drop) network.part(...this.#ends(link));
          this.#tell(after, rewired);
        } else if (this.#schedule.nowMs < deadlineMs) this.#schedule.afterMs(1, look);
        else {
          for (const link of add) network.part(...this.#ends(link));
          this.#tell(links, () => this.#rewire());
        }
      };
      look();
    });
  }

  /** Everybody at another moment; then goes on. */
  #tell(links: readonly Link[], then: () => void): void {
    const { worlds, spreadMs } = this.#options;
    const roster = worlds.map(({ id }) => id);
    let untold = worlds.length;
    for (const world of worlds)
      this.#schedule.afterMs(spreadMs * this.#random.float(), () => {
        world.grow(roster, links);
        if (--untold === 0) then();
      });
  }

  #ends({ a, b }: Link): [number, number] {
    return [this.#places.get(a) as number, this.#places.get(b) as number];
  }
}
