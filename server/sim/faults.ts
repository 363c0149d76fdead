import type { ActiveFault, Effect, FaultSpec } from "../contract/faults.ts";
import type { Random } from "../core/random.ts";
import { FaultRefusal } from "../meshfile/faults/refusal.ts";
import { resolveFault } from "../meshfile/faults/resolve.ts";
import type { LinkTrouble, SimNetwork } from "./network.ts";
import type { Schedule } from "./schedule.ts";
import type { SimWorld } from "./world.ts";

interface Injected {
  readonly fault: ActiveFault;
  /** By place in the roster. */
  readonly down: readonly number[];
  readonly paused: readonly number[];
  readonly troubles: readonly LinkTrouble[];
}

/**
 * The faults that are active, and what they do to the world. Each is undone by itself: an agent is down as long as any crash of it is active, a link
 * suffers all that hits it together.
 */
export class FaultBoard {
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #worlds: readonly SimWorld[];
  readonly #network: SimNetwork;
  readonly #leader: () => number | undefined;
  readonly #changed: () => void;
  readonly #links: readonly { readonly a: string; readonly b: string }[];
  readonly #active = new Map<string, Injected>();
  #injected = 0;

  /**
   * @param random draws targets and shapes.
   * @param leader who leads now, by place in the roster.
   * @param changed is called once a fault, or the end of one, has had its effect.
   */
  constructor(
    schedule: Schedule,
    random: Random,
    worlds: readonly SimWorld[],
    network: SimNetwork,
    leader: () => number | undefined,
    changed: () => void,
  ) {
    this.#schedule = schedule;
    this.#random = random;
    this.#worlds = worlds;
    this.#network = network;
    this.#leader = leader;
    this.#changed = changed;
    this.#links = worlds.flatMap(({ id, index }) =>
      network
        .neighbours(index)
        .filter((peer) => peer > index)
        .map((peer) => ({ a: id, b: this.#world(peer).id })),
    );
  }

  get active(): readonly ActiveFault[] {
    return [...this.#active.values()].map(({ fault }) => fault);
  }

  /**
   * Heals by itself after `forMs` of virtual time, if the spec says so.
   * @throws FaultRefusal when it makes no sense now (reason noLeader: it may later), or is not possible here
   */
  inject(spec: FaultSpec): ActiveFault {
    const injected = this.#resolve(spec);
    const { fault } = injected;
    this.#active.set(fault.id, injected);
    for (const agent of injected.down) this.#world(agent).crash();
    for (const agent of injected.paused) this.#world(agent).pause();
    this.#applyTroubles();
    this.#changed();
    if (spec.forMs !== undefined) this.#schedule.afterMs(spec.forMs, () => this.heal(fault.id));
    return fault;
  }

  /** Unknown ids are ignored: it healed already. */
  heal(id: string): void {
    const healed = this.#active.get(id);
    if (!healed) return;
    this.#active.delete(id);
    this.#applyTroubles();
    const others = [...this.#active.values()];
    for (const agent of healed.paused)
      if (!others.some(({ paused }) => paused.includes(agent))) this.#world(agent).resume();
    for (const agent of healed.down)
      if (!others.some(({ down }) => down.includes(agent))) {
        this.#world(agent).start();
        if (others.some(({ paused }) => paused.includes(agent))) this.#world(agent).pause();
      }
    this.#changed();
  }

  healAll(): void {
    for (const id of [...this.#active.keys()]) this.heal(id);
  }

  #resolve(spec: FaultSpec): Injected {
    const leader = this.#leader();
    const { agents, title, effects } = resolveFault(
      spec,
      {
        agents: this.#worlds.map(({ id }) => id),
        links: this.#links,
        leader: leader === undefined ? null : this.#world(leader).id,
        alive: this.#worlds.filter(({ running }) => running).map(({ id }) => id),
      },
      this.#random,
    );
    const parts = { down: [] as number[], paused: [] as number[], troubles: [] as LinkTrouble[] };
    for (const effect of effects) {
      if (effect.on === "process") parts[effect.process].push(this.#place(effect.agent));
      else if (effect.on === "link") parts.troubles.push(this.#trouble(effect));
      else throw new FaultRefusal("notPossibleHere", `${title}: this is not yet possible in the simulated world.`);
    }
    const sinceMs = this.#schedule.nowMs;
    const untilMs = spec.forMs === undefined ? null : sinceMs + spec.forMs;
    return {
      fault: { id: `f${++this.#injected}`, spec, agents, title, sinceMs, untilMs, source: "plan" },
      ...parts,
    };
  }

  #trouble({ from, to, toxic }: Extract<Effect, { readonly on: "link" }>): LinkTrouble {
    const ends = { from: this.#place(from), to: this.#place(to) };
    if (toxic.toxic === "loss") return { ...ends, loss: toxic.share, delayMs: 0, jitterMs: 0 };
    if (toxic.toxic === "latency" && (toxic.delay.shape === "constant" || toxic.delay.shape === "uniform"))
      return { ...ends, loss: 0, delayMs: toxic.delay.ms, jitterMs: toxic.delay.spread ?? 0 };
    throw new FaultRefusal("notPossibleHere", `${toxic.toxic} is not yet possible on a link of the simulated world.`);
  }

  #applyTroubles(): void {
    this.#network.setTroubles([...this.#active.values()].flatMap(({ troubles }) => troubles));
  }

  /** Of an agent that was resolved. */
  #place(id: string): number {
    return this.#worlds.findIndex((world) => world.id === id);
  }

  #world(place: number): SimWorld {
    return this.#worlds[place] as SimWorld;
  }
}
