import type { ActiveFault, Effect, FaultSpec } from "../contract/faults.ts";
import type { Zones } from "../core/overlay/zones.ts";
import type { Random } from "../core/random.ts";
import { resolveFault } from "../meshfile/faults/resolve.ts";
import type { AgentTroubles } from "./agent-troubles.ts";
import type { SimNetwork } from "./network.ts";
import type { Schedule } from "./schedule.ts";
import type { LinkToxic } from "./toxics.ts";
import type { SimWorld } from "./world.ts";

type EffectOn<On extends Effect["on"]> = Extract<Effect, { readonly on: On }>;

interface Injected {
  readonly fault: ActiveFault;
  readonly effects: readonly Effect[];
  /** What it does to agents, by place among its effects: of many agents, those on links are many more. */
  readonly onAgents: readonly (readonly [at: number, effect: Effect])[];
  /** By place in the roster. */
  readonly down: readonly number[];
  readonly paused: readonly number[];
  readonly toxics: readonly LinkToxic[];
  readonly sinceUs: number;
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
  readonly #injected: (fault: ActiveFault, effects: readonly Effect[]) => void;
  readonly #tookEffect: (effect: Effect) => void;
  readonly #links: readonly { readonly a: string; readonly b: string }[];
  readonly #zones: Zones;
  readonly #places: ReadonlyMap<string, number>;
  readonly #active = new Map<string, Injected>();
  #count = 0;

  /**
   * @param random draws targets and shapes.
   * @param leader who leads now, by place in the roster.
   * @param changed is called once a fault, or the end of one, has had its effect.
   * @param injected is told of each fault that begins, and of what it does.
   * @param tookEffect is told of what has hit a process, a clock or a processor that was there.
   */
  constructor(
    schedule: Schedule,
    random: Random,
    worlds: readonly SimWorld[],
    network: SimNetwork,
    leader: () => number | undefined,
    changed: () => void,
    injected: (fault: ActiveFault, effects: readonly Effect[]) => void = () => undefined,
    tookEffect: (effect: Effect) => void = () => undefined,
    zones: Zones = new Map(),
  ) {
    this.#schedule = schedule;
    this.#random = random;
    this.#worlds = worlds;
    this.#places = new Map(worlds.map(({ id }, place) => [id, place]));
    this.#network = network;
    this.#leader = leader;
    this.#zones = zones;
    this.#changed = changed;
    this.#injected = injected;
    this.#tookEffect = tookEffect;
    this.#links = worlds.flatMap(({ id, index }) =>
      network
        .neighbours(index)
        .filter((peer) => peer > index)
        .map((peer) => ({ a: id, b: this.#world(peer).id })),
    );
    network.onReachChanged = changed;
  }

  get active(): readonly ActiveFault[] {
    return [...this.#active.values()].map(({ fault }) => fault);
  }

  /** How many times as fast as the slowest clock the fastest runs now. */
  get clockRatio(): number {
    const effects = [...this.#active.values()].flatMap((one) => one.effects);
    const rates = this.#worlds.map(({ id }) =>
      effects.reduce((rate, one) => (one.on === "clock" && one.agent === id ? rate + one.driftPpm / 1e6 : rate), 1),
    );
    return Math.max(...rates) / Math.max(Math.min(...rates), 0.5);
  }

  /**
   * Heals by itself after `forMs` of virtual time, if the spec says so.
   * @throws FaultRefusal when it makes no sense now (reason noLeader: it may later)
   */
  inject(spec: FaultSpec): ActiveFault {
    const injected = this.#resolve(spec);
    const { fault } = injected;
    this.#active.set(fault.id, injected);
    this.#injected(fault, injected.effects);
    this.#hits(injected.effects);
    for (const agent of injected.down) this.#world(agent).crash();
    for (const agent of injected.paused) this.#world(agent).pause();
    this.#apply();
    this.#changed();
    if (spec.forMs !== undefined) this.#schedule.afterMs(spec.forMs, () => this.heal(fault.id));
    return fault;
  }

  /** Unknown ids are ignored: it healed already. */
  heal(id: string): void {
    const healed = this.#active.get(id);
    if (!healed) return;
    this.#active.delete(id);
    // Who started only meanwhile has run under it, too.
    this.#hits(healed.effects.filter(({ on }) => on === "clock" || on === "cpu"));
    this.#apply();
    const others = [...this.#active.values()];
    for (const agent of healed.paused)
      if (!others.some(({ paused }) => paused.includes(agent))) this.#world(agent).resume();
    const refused = this.#worlds.filter(({ refusal }) => refusal !== "").map(({ index }) => index);
    for (const agent of [...healed.down, ...refused])
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
        voters: this.#voters(leader),
        zones: this.#zones,
      },
      this.#random,
    );
    const processes = effects.filter((effect) => effect.on === "process");
    const placesOf = (process: "down" | "paused") =>
      processes.filter((effect) => effect.process === process).map(({ agent }) => this.#place(agent));
    const sinceMs = this.#schedule.nowMs;
    const untilMs = spec.forMs === undefined ? null : sinceMs + spec.forMs;
    // A spec may be injected again and again: what lasts is told apart by being another object.
    const own = effects.map((effect) => (effect.on === "disk" ? { ...effect, disk: { ...effect.disk } } : effect));
    return {
      fault: { id: `f${++this.#count}`, spec, agents, title, sinceMs, untilMs, source: "plan" },
      effects: own,
      onAgents: [...own.entries()].filter(([, { on }]) => on !== "link"),
      down: placesOf("down"),
      paused: placesOf("paused"),
      toxics: effects
        .filter((effect) => effect.on === "link")
        .map((effect) => ({ from: this.#place(effect.from), to: this.#place(effect.to), toxic: effect.toxic, effect })),
      sinceUs: this.#schedule.nowUs,
    };
  }

  #hits(effects: readonly Effect[]): void {
    for (const effect of effects)
      if (effect.on === "process" || effect.on === "clock" || effect.on === "cpu") {
        const world = this.#world(this.#place(effect.agent));
        const down = effect.on === "process" && effect.process === "down";
        if (down ? world.exists : world.running) this.#tookEffect(effect);
      }
  }

  /** All that is active, to links and agents; what has not changed goes on. */
  #apply(): void {
    const all = [...this.#active.values()];
    this.#network.setToxics(all.flatMap(({ toxics }) => toxics));
    for (const world of this.#worlds) world.trouble(this.#troublesOf(world.id, all));
  }

  #troublesOf(agent: string, all: readonly Injected[]): AgentTroubles {
    const tampering = new Map<string, EffectOn<"message" | "byzantine">>();
    const disk: EffectOn<"disk">["disk"][] = [];
    const clock: AgentTroubles["clock"][number][] = [];
    let slowdown = 1;
    for (const { fault, onAgents, sinceUs } of all)
      for (const [at, effect] of onAgents)
        switch (effect.on) {
          case "message":
            if (effect.rule.from === undefined || effect.rule.from.includes(agent))
              tampering.set(`${fault.id}/${at}`, effect);
            break;
          case "byzantine":
            if (effect.agent === agent) tampering.set(`${fault.id}/${at}`, effect);
            break;
          case "disk":
            if (effect.agent === agent) disk.push(effect.disk);
            break;
          case "clock":
            if (effect.agent === agent) clock.push({ skewMs: effect.skewMs, driftPpm: effect.driftPpm, sinceUs });
            break;
          case "cpu":
            if (effect.agent === agent) slowdown *= effect.slowdown;
            break;
        }
    return { tampering, disk, clock, slowdown };
  }

  /** As the leader tells it; without one, as whoever is in the highest term and has the longest log does. */
  #voters(leader: number | undefined): readonly string[] {
    const asked = leader === undefined ? this.#worlds : [this.#world(leader)];
    const known = asked.flatMap(({ agent }) => (agent === undefined ? [] : [agent.consensusStatus]));
    known.sort((a, b) => b.term - a.term || b.lastIndex - a.lastIndex);
    return known[0]?.configuration.voters ?? [];
  }

  /** Of an agent that was resolved. */
  #place(id: string): number {
    return this.#places.get(id) ?? -1;
  }

  #world(place: number): SimWorld {
    return this.#worlds[place] as SimWorld;
  }
}
