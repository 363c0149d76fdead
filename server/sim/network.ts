import type { Crossing, Toxin } from "../agent/toxics/toxin.ts";
import type { Effect } from "../contract/faults.ts";
import type { Random } from "../core/random.ts";
import type { Occurrence, Schedule } from "./schedule.ts";
import { type LinkToxic, Toxics } from "./toxics.ts";
import { Way } from "./way.ts";

/** What one agent's world offers the network. */
export interface Port {
  /** The process exists, also while paused. */
  readonly exists: boolean;
  /** It can complete a handshake. */
  readonly running: boolean;
  /** @param damaged it is not what was sent */
  receive(from: number, frame: Uint8Array, damaged: boolean): void;
  linkUp(peer: number): void;
  linkDown(peer: number): void;
}

/** One way of a link. Each frame takes the link's own base delay, drawn once, spread by a third to both sides; one in a hundred takes tailMs more at most. */
export interface Latency {
  readonly minMs: number;
  readonly maxMs: number;
  readonly tailMs: number;
}

/** What befalls every frame of every link, besides faults on single ones. Shares in [0, 1]. */
export interface Weather {
  readonly loss: number;
  readonly duplication: number;
  /** Frames that others overtake, by up to reorderMs. */
  readonly reordering: number;
  readonly reorderMs: number;
}

export const CALM: Weather = { loss: 0, duplication: 0, reordering: 0, reorderMs: 0 };

/** A frame on its way. */
class Delivery implements Occurrence {
  readonly #network: SimNetwork;
  readonly way: Way;
  readonly connection: number;
  readonly frame: Uint8Array;
  readonly damaged: boolean;
  /** It went another way meanwhile. */
  gone = false;

  constructor(network: SimNetwork, way: Way, connection: number, frame: Uint8Array, damaged: boolean) {
    this.#network = network;
    this.way = way;
    this.connection = connection;
    this.frame = frame;
    this.damaged = damaged;
  }

  happen(): void {
    if (!this.gone) this.#network.arrive(this);
  }
}

/**
 * The links between agents. A link is a connection: up once both ends exist, down when one dies, with all that was on its way.
 * Frames keep their order on a link unless the weather lets one be overtaken.
 */
export class SimNetwork {
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #ports: readonly Port[];
  readonly #neighbours: number[][];
  /** Connections come about as agents ask for them, and are not looked for again; the links are those that there may be. */
  readonly #onDemand: boolean;
  /** By both ends (`#key`): those of links that there were, and that toxics are on. Of two that have none nothing is kept: among many agents those are nearly all. */
  readonly #ways = new Map<number, Way>();
  readonly #toxics: Toxics;
  /** Frames that toxics hold up, by the way they go, in the order they were sent. */
  readonly #held = new Map<Way, Set<Delivery>>();
  /** Closes that an end has not seen yet, by the way from that end. */
  readonly #closing = new Map<Way, Occurrence>();
  readonly #tailUs: number;
  readonly #latency: Latency;
  /** Is called when a toxic, by itself, has begun or ceased to stop all that passes a link. */
  onReachChanged: () => void = () => {};
  /** Is called when a toxic has changed what became of a frame or a connection. */
  onEffect: (effect: Effect) => void = () => {};
  /** What the weather has really done. */
  readonly weathered = { loss: false, duplication: false, reordering: false };
  #nextConnection = 1;
  #weather: Weather = CALM;
  #delivered = 0;
  #lost = 0;

  constructor(
    schedule: Schedule,
    random: Random,
    ports: readonly Port[],
    links: readonly (readonly [number, number])[],
    latency: Latency,
    onDemand = false,
  ) {
    this.#onDemand = onDemand;
    this.#schedule = schedule;
    this.#random = random;
    this.#ports = ports;
    this.#neighbours = ports.map(() => []);
    this.#toxics = new Toxics((from, to) => this.#way(from, to), {
      schedule,
      random: random.fork("toxics"),
      close: (from, to) => this.breakLink(from, to),
      reachChanged: () => this.onReachChanged(),
      tookEffect: (effect) => this.onEffect(effect),
    });
    this.#tailUs = latency.tailMs * 1000;
    this.#latency = latency;
    for (const [a, b] of links) this.#configure(a, b);
  }

  #configure(a: number, b: number): void {
    const { minMs, maxMs } = this.#latency;
    this.#neighbours[a]?.push(b);
    this.#neighbours[b]?.push(a);
    for (const way of [this.#way(a, b), this.#way(b, a)])
      way.baseUs = 1000 * (minMs + this.#random.float() * (maxMs - minMs));
  }

  #way(from: number, to: number): Way {
    const key = this.#key(from, to);
    let way = this.#ways.get(key);
    if (way === undefined) {
      way = new Way(from, to);
      this.#ways.set(key, way);
    }
    return way;
  }

  #key(from: number, to: number): number {
    return from * this.#ports.length + to;
  }

  /** An agent looks for a connection, once. It is told of one that comes about, as its peer is, and when there is none to be had. */
  open(by: number, peer: number): void {
    const roundTripUs = 2 * this.#way(by, peer).baseUs;
    this.#schedule.at(this.#schedule.nowUs + Math.ceil(roundTripUs) + this.#random.int(500, 3000), {
      happen: () => {
        const dialler = this.#ports[by] as Port;
        if (this.isUp(by, peer) || this.#comesAbout(by, peer) || !dialler.exists) return;
        // Of a connection that has closed it hears by this, too.
        if (!this.#closeSeen(by, peer)) dialler.linkDown(peer);
      },
    });
  }

  /** An agent ends a connection: both ends see it close. */
  close(by: number, peer: number): void {
    if (!this.isUp(by, peer)) return;
    this.#disconnect(by, peer);
    this.#closeSoonSeen(by, peer);
    this.#closeSoonSeen(peer, by);
  }

  /** There is a link from now on: both ends look for each other. */
  join(a: number, b: number): void {
    if (this.neighbours(a).includes(b)) return;
    this.#configure(a, b);
    this.#connectSoon(a, b);
  }

  /** There is none any more: both ends see it close. */
  part(a: number, b: number): void {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      this.#neighbours[one] = this.neighbours(one).filter((peer) => peer !== other);
    this.close(a, b);
  }

  /** What a frame takes on a link, about, the mean of both ways, ms. */
  baseMs(a: number, b: number): number {
    return (this.#way(a, b).baseUs + this.#way(b, a).baseUs) / 2000;
  }

  /** Frames that reached an agent. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Frames that did not, for whatever reason. */
  get lost(): number {
    return this.#lost;
  }

  get weather(): Weather {
    return this.#weather;
  }

  set weather(weather: Weather) {
    this.#weather = weather;
  }

  isUp(a: number, b: number): boolean {
    return (this.#ways.get(this.#key(a, b))?.connection ?? 0) !== 0;
  }

  /** There is a link, and no fault stops all that passes it in one direction or the other. */
  passes(a: number, b: number): boolean {
    return this.neighbours(a).includes(b) && this.#way(a, b).loss < 1 && this.#way(b, a).loss < 1;
  }

  neighbours(agent: number): readonly number[] {
    return this.#neighbours[agent] ?? [];
  }

  /** Replaces all toxics; what is given again goes on as it was. What a toxic that is gone held up arrives now. */
  setToxics(toxics: readonly LinkToxic[]): void {
    for (const way of this.#toxics.set(toxics)) this.#letGo(way);
  }

  /** @param damaged it is not what the agent sent: its receiver will not be able to read it */
  send(from: number, to: number, frame: Uint8Array, damaged = false): void {
    const way = this.#ways.get(this.#key(from, to));
    if (way === undefined || way.connection === 0) {
      this.#lost++;
      return;
    }
    const random = this.#random;
    const weather = this.#weather;
    const trouble = way.loss;
    const loss = trouble + (1 - trouble) * weather.loss;
    if (loss > 0) {
      const drawn = random.float();
      if (drawn < loss) {
        this.#lost++;
        if (drawn < trouble) this.#toxics.lost(way);
        else this.weathered.loss = true;
        return;
      }
    }
    this.#carry(way, frame, damaged);
    if (weather.duplication > 0 && random.chance(weather.duplication)) {
      this.weathered.duplication = true;
      this.#carry(way, frame.slice(), damaged);
    }
  }

  #carry(way: Way, frame: Uint8Array, damaged: boolean): void {
    const random = this.#random;
    const draw = random.uint32();
    // Low 16 bits spread the delay, the high ones choose the tail: one draw serves both.
    let delayUs = way.baseUs * (2 / 3 + (draw & 0xffff) / 98_304);
    if (draw >>> 16 < 655) delayUs += random.float() * this.#tailUs;
    const arrivalUs = this.#schedule.nowUs + Math.max(1, Math.round(delayUs));
    if (way.toxins !== undefined) {
      this.#cross(way.toxins, way, { frame, arrivalUs, copies: 0, free: false, damaged });
      return;
    }
    this.#schedule.at(this.#inTurn(way, arrivalUs), new Delivery(this, way, way.connection, frame, damaged));
  }

  /** When a frame arrives that overtakes none, unless the weather lets it be overtaken. */
  #inTurn(way: Way, arrivalUs: number): number {
    const weather = this.#weather;
    if (weather.reordering > 0 && this.#random.chance(weather.reordering)) {
      this.weathered.reordering = true;
      return arrivalUs + Math.round(this.#random.float() * weather.reorderMs * 1000);
    }
    way.lastArrivalUs = Math.max(arrivalUs, way.lastArrivalUs);
    return way.lastArrivalUs;
  }

  #cross(toxins: readonly Toxin[], way: Way, crossing: Crossing): void {
    const { connection } = way;
    for (const toxin of toxins) toxin.cross(crossing);
    const { frame, copies, free, damaged } = crossing;
    const roundedUs = Math.round(crossing.arrivalUs);
    const arrivalUs = free ? roundedUs : this.#inTurn(way, roundedUs);
    for (let copy = 0; copy <= copies; copy++)
      this.#hold(way, arrivalUs, new Delivery(this, way, connection, copy === 0 ? frame : frame.slice(), damaged));
  }

  #hold(way: Way, arrivalUs: number, delivery: Delivery): void {
    let held = this.#held.get(way);
    if (held === undefined) {
      held = new Set();
      this.#held.set(way, held);
    }
    held.add(delivery);
    this.#schedule.at(arrivalUs, delivery);
  }

  #letGo(way: Way): void {
    const held = this.#held.get(way);
    if (held === undefined) return;
    this.#held.delete(way);
    const arrivalUs = this.#schedule.nowUs + Math.ceil(way.baseUs);
    way.lastArrivalUs = arrivalUs;
    for (const delivery of held) {
      const { connection, frame, damaged } = delivery;
      delivery.gone = true;
      this.#schedule.at(arrivalUs, new Delivery(this, way, connection, frame, damaged));
    }
  }

  /** @internal for Delivery */
  arrive(delivery: Delivery): void {
    const { way } = delivery;
    if (this.#held.size > 0) this.#held.get(way)?.delete(delivery);
    if (way.connection !== delivery.connection || way.loss === 1) {
      this.#lost++;
      if (way.loss === 1) this.#toxics.lost(way);
      return;
    }
    this.#delivered++;
    (this.#ports[way.to] as Port).receive(way.from, delivery.frame, delivery.damaged);
  }

  /** An agent's process began: it and its neighbours look for each other. */
  processStarted(agent: number): void {
    if (this.#onDemand) return;
    for (const peer of this.neighbours(agent)) this.#connectSoon(agent, peer);
  }

  /** An agent's process ended: its neighbours see their connections close. */
  processEnded(agent: number): void {
    for (const peer of this.neighbours(agent)) {
      // It sees nothing any more.
      this.#closing.delete(this.#way(agent, peer));
      if (!this.isUp(agent, peer)) continue;
      this.#disconnect(agent, peer);
      this.#closeSoonSeen(peer, agent);
    }
  }

  /** A connection breaks although both ends live; they look for each other again. */
  breakLink(a: number, b: number): void {
    if (!this.isUp(a, b)) return;
    this.close(a, b);
    if (!this.#onDemand) this.#connectSoon(a, b);
  }

  #disconnect(a: number, b: number): void {
    this.#way(a, b).connection = 0;
    this.#way(b, a).connection = 0;
  }

  #closeSoonSeen(by: number, peer: number): void {
    const from = this.#way(peer, by);
    const slowUs = Math.round(from.slowCloseUs);
    if (slowUs > 0) this.#toxics.closedSlowly(from);
    const way = this.#way(by, peer);
    const seen = {
      happen: () => {
        if (this.#closing.get(way) === seen) this.#closeSeen(by, peer);
      },
    };
    this.#closing.set(way, seen);
    this.#schedule.at(this.#schedule.nowUs + this.#random.int(10, 400) + slowUs, seen);
  }

  /** @returns whether it had not been seen yet */
  #closeSeen(by: number, peer: number): boolean {
    if (!this.#closing.delete(this.#way(by, peer))) return false;
    const port = this.#ports[by] as Port;
    if (port.exists) port.linkDown(peer);
    return true;
  }

  /** One attempt after another, as a dialler does, until the connection stands or an end is gone (whose start begins it anew). */
  #connectSoon(a: number, b: number): void {
    // Longer than a close takes to be seen, so that down comes before up.
    const roundTripUs = 2 * this.#way(a, b).baseUs;
    this.#schedule.at(this.#schedule.nowUs + Math.ceil(roundTripUs) + this.#random.int(500, 3000), {
      happen: () => this.#connect(a, b),
    });
  }

  #connect(a: number, b: number): void {
    const [first, second] = [this.#ports[a] as Port, this.#ports[b] as Port];
    if (!first.exists || !second.exists || this.isUp(a, b) || !this.neighbours(a).includes(b)) return;
    if (!this.#comesAbout(a, b))
      this.#schedule.at(this.#schedule.nowUs + this.#random.int(20_000, 60_000), { happen: () => this.#connect(a, b) });
  }

  /** A connection comes about, unless an end cannot complete a handshake or a fault lets none pass. */
  #comesAbout(a: number, b: number): boolean {
    const [first, second] = [this.#ports[a] as Port, this.#ports[b] as Port];
    if (!this.neighbours(a).includes(b)) return false;
    const ways = [this.#way(a, b), this.#way(b, a)];
    if (!first.running || !second.running || ways.some(({ loss }) => loss === 1)) {
      for (const way of ways) if (way.loss === 1) this.#toxics.lost(way);
      return false;
    }
    const connection = this.#nextConnection++;
    for (const way of ways) {
      way.connection = connection;
      way.lastArrivalUs = 0;
    }
    // A new connection tells an end that the one before is closed, if nothing else has.
    this.#closeSeen(a, b);
    this.#closeSeen(b, a);
    first.linkUp(b);
    second.linkUp(a);
    return true;
  }
}
