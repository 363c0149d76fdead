import type { ActiveFault, FaultSpec } from "../contract/faults.ts";
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
  readonly #worlds: readonly SimWorld[];
  readonly #network: SimNetwork;
  readonly #leader: () => number | undefined;
  readonly #active = new Map<string, Injected>();
  #injected = 0;

  /** @param leader who leads now, by place in the roster. */
  constructor(schedule: Schedule, worlds: readonly SimWorld[], network: SimNetwork, leader: () => number | undefined) {
    this.#schedule = schedule;
    this.#worlds = worlds;
    this.#network = network;
    this.#leader = leader;
  }

  get active(): readonly ActiveFault[] {
    return [...this.#active.values()].map(({ fault }) => fault);
  }

  /**
   * Heals by itself after `forMs` of virtual time, if the spec says so.
   * @returns undefined when it names the leader and nobody leads now.
   * @throws RangeError for an agent that is not in the roster.
   */
  inject(spec: FaultSpec): ActiveFault | undefined {
    const injected = this.#resolve(spec);
    if (!injected) return undefined;
    const { fault } = injected;
    this.#active.set(fault.id, injected);
    for (const agent of injected.down) this.#world(agent).crash();
    for (const agent of injected.paused) this.#world(agent).pause();
    this.#applyTroubles();
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
  }

  healAll(): void {
    for (const id of [...this.#active.keys()]) this.heal(id);
  }

  #resolve(spec: FaultSpec): Injected | undefined {
    const leader = this.#leader();
    if (targets(spec).includes("leader") && leader === undefined) return undefined;
    const place = (target: string): number => (target === "leader" ? (leader as number) : this.#place(target));
    const name = (target: string): string => this.#world(place(target)).id;
    const build = (
      agents: readonly string[],
      title: string,
      parts: { down?: number[]; paused?: number[]; troubles?: LinkTrouble[] },
    ): Injected => ({
      fault: {
        id: `f${++this.#injected}`,
        spec,
        agents,
        title,
        sinceMs: this.#schedule.nowMs,
        untilMs: spec.forMs === undefined ? null : this.#schedule.nowMs + spec.forMs,
        source: "plan",
      },
      down: parts.down ?? [],
      paused: parts.paused ?? [],
      troubles: parts.troubles ?? [],
    });
    switch (spec.kind) {
      case "crash":
        return build([name(spec.agent)], `${name(spec.agent)} crashed`, { down: [place(spec.agent)] });
      case "pause":
        return build([name(spec.agent)], `${name(spec.agent)} paused`, { paused: [place(spec.agent)] });
      case "isolate": {
        const agent = place(spec.agent);
        const troubles = this.#around(agent, undefined, { loss: 1, delayMs: 0, jitterMs: 0 });
        return build([name(spec.agent)], `${name(spec.agent)} isolated`, { troubles });
      }
      case "partition": {
        const sides = this.#sides(spec.sides.map((side) => side.map(place)));
        const troubles: LinkTrouble[] = [];
        for (const [from, sideOfFrom] of sides.entries())
          for (const [to, sideOfTo] of sides.entries())
            if (sideOfFrom !== sideOfTo) troubles.push({ from, to, loss: 1, delayMs: 0, jitterMs: 0 });
        const agents = [...new Set(spec.sides.flat().map(name))];
        return build(agents, `${describeSides(sides, this.#worlds)} partitioned`, { troubles });
      }
      case "slow": {
        const effect = { loss: 0, delayMs: spec.delayMs, jitterMs: spec.jitterMs ?? 0 };
        return build(linkEnds(spec, name), `${linkEnds(spec, name).join("-")} slowed by ${spec.delayMs} ms`, {
          troubles: this.#around(place(spec.a), spec.b === undefined ? undefined : place(spec.b), effect),
        });
      }
      case "lossy": {
        const effect = { loss: spec.loss, delayMs: 0, jitterMs: 0 };
        return build(linkEnds(spec, name), `${linkEnds(spec, name).join("-")} loses ${Math.round(spec.loss * 100)}%`, {
          troubles: this.#around(place(spec.a), spec.b === undefined ? undefined : place(spec.b), effect),
        });
      }
    }
  }

  /** Both directions of one link, or of all links of an agent. */
  #around(agent: number, peer: number | undefined, effect: Omit<LinkTrouble, "from" | "to">): LinkTrouble[] {
    const everyone = this.#worlds.map(({ index }) => index);
    const peers = peer === undefined ? everyone.filter((other) => other !== agent) : [peer];
    return peers.flatMap((other) => [
      { from: agent, to: other, ...effect },
      { from: other, to: agent, ...effect },
    ]);
  }

  /** Each agent's side, by place in the roster; the first side that names an agent has it, and the unnamed ones share one more. */
  #sides(sides: readonly (readonly number[])[]): number[] {
    return this.#worlds.map((_, agent) => {
      const side = sides.findIndex((members) => members.includes(agent));
      return side < 0 ? sides.length : side;
    });
  }

  #applyTroubles(): void {
    this.#network.setTroubles([...this.#active.values()].flatMap(({ troubles }) => troubles));
  }

  #place(id: string): number {
    const place = this.#worlds.findIndex((world) => world.id === id);
    if (place < 0) throw new RangeError(`a fault names ${id}, which is not in the roster`);
    return place;
  }

  #world(place: number): SimWorld {
    return this.#worlds[place] as SimWorld;
  }
}

function targets(spec: FaultSpec): readonly string[] {
  switch (spec.kind) {
    case "partition":
      return spec.sides.flat();
    case "slow":
    case "lossy":
      return spec.b === undefined ? [spec.a] : [spec.a, spec.b];
    default:
      return [spec.agent];
  }
}

function linkEnds(spec: { readonly a: string; readonly b?: string }, name: (target: string) => string): string[] {
  return spec.b === undefined ? [name(spec.a)] : [name(spec.a), name(spec.b)];
}

function describeSides(sides: readonly number[], worlds: readonly SimWorld[]): string {
  const members: string[][] = [];
  for (const { id, index } of worlds) {
    const side = sides[index] as number;
    members[side] ??= [];
    members[side].push(id);
  }
  return members.map((side) => side.join(", ")).join(" | ");
}
