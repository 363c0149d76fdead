import type { MembershipCodec } from "../server/core/membership/membership.ts";
import { SwimCodec } from "../server/core/membership/swim/codec.ts";
import { SwimMembership } from "../server/core/membership/swim/swim.ts";
import type { MembershipObservation, SwimConfig } from "../server/core/membership/types.ts";
import type { Link } from "../server/core/overlay/types.ts";
import { type Random, seededRandom } from "../server/core/random.ts";
import { EventQueue } from "../server/sim/event-queue.ts";

/** What all members have in common. */
export type SwimSettings = Omit<SwimConfig, "id" | "members">;

export interface NetworkOptions {
  readonly ids: readonly string[];
  /** Absent: everyone with everyone, without sockets that could close (as over UDP). */
  readonly links?: readonly Link[];
  readonly seed: string;
  readonly settings: SwimSettings;
  /** Share of messages lost. */
  readonly loss?: number;
  /** Milliseconds a message takes from link to link, drawn evenly. */
  readonly latencyMs?: readonly [number, number];
  /** What members observe is not kept: of thousands that start it would be millions of observations. */
  readonly unwatched?: boolean;
  /** How late a timer fires, drawn evenly up to this. */
  readonly timerJitterMs?: number;
  /** The member under test; broken ones show that a check can fail. */
  readonly make?: (...given: ConstructorParameters<typeof SwimMembership>) => SwimMembership;
}

export interface Sighting {
  readonly atMs: number;
  readonly at: string;
  readonly observation: MembershipObservation;
}

interface Node {
  readonly place: number;
  readonly id: string;
  incarnation: number;
  core: SwimMembership | undefined;
  pausedUntilMs: number;
  blockedUntilMs: number;
  /** Inputs that wait for a paused process, or for one that is blocked. */
  waiting: (() => void)[];
  /** When it is to be called, and which call that is. */
  alarmMs: number;
  alarm: number;
  sent: number;
  received: number;
}

/** How often the timers of a blocked process are looked at. */
const BLOCKED_TICK_MS = 10;

/**
 * Probing members in virtual time, without the rest of an agent: for what is about many of them. Every message goes through the codec. Between two without a
 * link it takes the shortest way over those that run.
 */
export class MembershipNetwork {
  nowMs = 0;
  readonly sightings: Sighting[] = [];
  bytes = 0;
  readonly #options: Required<Omit<NetworkOptions, "links">> & { readonly links: readonly Link[] | undefined };
  readonly #random: Random;
  readonly #codec: MembershipCodec;
  readonly #nodes: readonly Node[];
  readonly #places: ReadonlyMap<string, number>;
  /** By place, those with a link. */
  readonly #linked: readonly (readonly number[])[] | undefined;
  readonly #cut = new Set<string>();
  readonly #agenda = new EventQueue<() => void>();
  /** By place, hops from there; of the present state. */
  #hops = new Map<number, Int32Array>();

  constructor(options: NetworkOptions) {
    const make: Required<NetworkOptions>["make"] = (...given) => new SwimMembership(...given);
    this.#options = {
      loss: 0,
      latencyMs: [0.2, 2],
      timerJitterMs: 2,
      unwatched: false,
      make,
      ...options,
      links: options.links,
    };
    this.#random = seededRandom(options.seed);
    this.#codec = new SwimCodec(options.ids);
    this.#nodes = options.ids.map((id, place) => ({
      place,
      id,
      incarnation: 0,
      core: undefined,
      pausedUntilMs: 0,
      blockedUntilMs: 0,
      waiting: [],
      alarmMs: Number.POSITIVE_INFINITY,
      alarm: 0,
      sent: 0,
      received: 0,
    }));
    this.#places = new Map(options.ids.map((id, place) => [id, place]));
    this.#linked = options.links && this.#linkedBy(options.links);
  }

  /** Starts everybody within `spreadMs`. */
  startAll(spreadMs: number): void {
    for (const { id } of this.#nodes) this.at(this.nowMs + this.#random.float() * spreadMs, () => this.start(id));
  }

  start(id: string): void {
    const node = this.#node(id);
    node.incarnation++;
    const config = { id, members: this.#options.ids, ...this.#options.settings };
    const random = this.#random.fork(`${id}.${node.incarnation}`);
    node.core = this.#options.make(config, node.incarnation, this.nowMs, random);
    node.waiting = [];
    node.pausedUntilMs = 0;
    node.blockedUntilMs = 0;
    this.#hops.clear();
    for (const peer of this.#linked?.[node.place] ?? []) this.#connect(node.place, peer);
    this.#turn(node);
  }

  /** kill -9: the process is gone, its links close. */
  kill(id: string): void {
    const node = this.#node(id);
    node.core = undefined;
    node.alarm++;
    this.#hops.clear();
    for (const peer of this.#linked?.[node.place] ?? []) this.#close(peer, node.place);
  }

  /**
   * The process does not run for a while, or until `resume`: links stay open, what arrives waits; then its timer fires first or what waits is read first,
   * by chance.
   */
  pause(id: string, durationMs = Number.POSITIVE_INFINITY): void {
    const node = this.#node(id);
    node.pausedUntilMs = this.nowMs + durationMs;
    const { core } = node;
    if (durationMs === Number.POSITIVE_INFINITY) return;
    this.at(node.pausedUntilMs, () => {
      if (node.core === core) this.resume(id);
    });
  }

  resume(id: string): void {
    const node = this.#node(id);
    const { core } = node;
    node.pausedUntilMs = 0;
    if (core === undefined) return;
    if (this.#random.chance(0.5)) core.tick(this.nowMs);
    for (const input of node.waiting.splice(0)) input();
    core.tick(this.nowMs);
    this.#turn(node);
  }

  /**
   * The process runs, but its messages are held up for a while, in both directions: its timers fire, what it is told is read at the end, and what it says
   * leaves then, before or after that, by chance.
   */
  block(id: string, durationMs: number): void {
    const node = this.#node(id);
    node.blockedUntilMs = this.nowMs + durationMs;
    const { core } = node;
    this.at(node.blockedUntilMs, () => {
      if (core === undefined || node.core !== core) return;
      if (this.#random.chance(0.5)) this.#turn(node);
      for (const input of node.waiting.splice(0)) input();
      this.#turn(node);
    });
  }

  leave(id: string): void {
    const node = this.#node(id);
    node.core?.leave(this.nowMs);
    this.#turn(node);
    this.at(this.nowMs + 20, () => this.kill(id));
  }

  /** A link closes, and cannot be opened again until `join`. */
  cut(a: string, b: string): void {
    const [one, other] = [this.#node(a).place, this.#node(b).place];
    this.#cut.add(key(one, other));
    this.#hops.clear();
    this.#close(one, other);
    this.#close(other, one);
  }

  join(a: string, b: string): void {
    const [one, other] = [this.#node(a).place, this.#node(b).place];
    this.#cut.delete(key(one, other));
    this.#hops.clear();
    this.#connect(one, other);
  }

  at(atMs: number, run: () => void): void {
    this.#agenda.push(Math.max(atMs, this.nowMs), run);
  }

  runUntil(untilMs: number): void {
    while (this.#agenda.nextTime <= untilMs) {
      this.nowMs = this.#agenda.nextTime;
      (this.#agenda.pop() as () => void)();
    }
    this.nowMs = untilMs;
  }

  /** How `at` sees `of`; undefined when `at` does not run. */
  state(at: string, of: string): string | undefined {
    return this.#node(at).core?.member(of)?.state;
  }

  core(id: string): SwimMembership | undefined {
    return this.#node(id).core;
  }

  running(): string[] {
    return this.#nodes.filter(({ core }) => core !== undefined).map(({ id }) => id);
  }

  /** Messages that this member has sent, and been given. */
  load(id: string): { readonly sent: number; readonly received: number } {
    const { sent, received } = this.#node(id);
    return { sent, received };
  }

  /** Sightings of one type about one member since a time. */
  seen(type: MembershipObservation["type"], member: string, sinceMs: number): Sighting[] {
    return this.sightings.filter(
      ({ atMs, observation }) => atMs >= sinceMs && observation.type === type && observation.member === member,
    );
  }

  #node(id: string): Node {
    return this.#nodes[this.#places.get(id) as number] as Node;
  }

  #at(place: number): Node {
    return this.#nodes[place] as Node;
  }

  #linkedBy(links: readonly Link[]): number[][] {
    const linked: number[][] = this.#nodes.map(() => []);
    for (const { a, b } of links) {
      linked[this.#node(a).place]?.push(this.#node(b).place);
      linked[this.#node(b).place]?.push(this.#node(a).place);
    }
    return linked;
  }

  #connect(one: number, other: number): void {
    const connectable = () =>
      this.#at(one).core !== undefined && this.#at(other).core !== undefined && !this.#cut.has(key(one, other));
    if (!connectable()) return;
    this.at(this.nowMs + 1 + this.#random.float() * 3, () => {
      if (!connectable()) return;
      this.#input(this.#at(one), (core) => core.linkUp(this.#at(other).id, this.nowMs));
      this.#input(this.#at(other), (core) => core.linkUp(this.#at(one).id, this.nowMs));
    });
  }

  /** `at` learns that its link to `peer` closed. */
  #close(at: number, peer: number): void {
    const node = this.#at(at);
    const { core } = node;
    if (core === undefined) return;
    this.at(this.nowMs + 0.2 + this.#random.float() * 3, () => {
      if (node.core === core) this.#input(node, (member) => member.linkDown(this.#at(peer).id, this.nowMs));
    });
  }

  /** Links to cross; undefined when there is no way. */
  #distance(from: number, to: number): number | undefined {
    if (this.#linked === undefined)
      return this.#at(to).core === undefined || this.#cut.has(key(from, to)) ? undefined : 1;
    let hops = this.#hops.get(from);
    if (hops === undefined) {
      hops = new Int32Array(this.#nodes.length).fill(-1);
      hops[from] = 0;
      const queue = [from];
      for (const at of queue)
        for (const next of this.#linked[at] ?? []) {
          if (hops[next] !== -1 || this.#at(next).core === undefined || this.#cut.has(key(at, next))) continue;
          hops[next] = (hops[at] as number) + 1;
          queue.push(next);
        }
      this.#hops.set(from, hops);
    }
    const distance = hops[to] as number;
    return distance === -1 ? undefined : distance;
  }

  #send(from: Node, to: Node, frame: Uint8Array): void {
    from.sent++;
    this.bytes += frame.length;
    const lost = this.#random.chance(this.#options.loss);
    const [least, most] = this.#options.latencyMs;
    const latencyMs = least + this.#random.float() * (most - least);
    const distance = this.#distance(from.place, to.place);
    const { core } = to;
    if (lost || distance === undefined || core === undefined) return;
    this.at(this.nowMs + latencyMs * distance, () => {
      if (to.core !== core || this.#distance(from.place, to.place) === undefined) return;
      to.received++;
      this.#input(to, (member) => member.heard(from.id, this.#codec.decode(frame), this.nowMs));
    });
  }

  #input(node: Node, input: (core: SwimMembership) => void): void {
    const { core } = node;
    if (core === undefined) return;
    if (this.nowMs < Math.max(node.pausedUntilMs, node.blockedUntilMs)) {
      node.waiting.push(() => input(core));
      return;
    }
    input(core);
    this.#turn(node);
  }

  #turn(node: Node): void {
    const { core } = node;
    if (core === undefined) return;
    const blocked = this.nowMs < node.blockedUntilMs;
    const ready = blocked ? undefined : core.take(this.nowMs);
    for (const { to, message } of ready?.messages ?? []) this.#send(node, this.#node(to), this.#codec.encode(message));
    if (!this.#options.unwatched)
      for (const observation of ready?.observations ?? [])
        this.sightings.push({ atMs: this.nowMs, at: node.id, observation });
    // What cannot leave stays due.
    const deadlineMs = blocked ? Math.max(core.deadline(), this.nowMs + BLOCKED_TICK_MS) : core.deadline();
    if (deadlineMs === node.alarmMs) return;
    node.alarmMs = deadlineMs;
    const alarm = ++node.alarm;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    this.at(deadlineMs + this.#random.float() * this.#options.timerJitterMs, () => {
      if (node.alarm !== alarm || node.core !== core) return;
      node.alarmMs = Number.NaN;
      if (this.nowMs < node.blockedUntilMs) {
        core.tick(this.nowMs);
        this.#turn(node);
      } else {
        this.#input(node, (member) => member.tick(this.nowMs));
      }
    });
  }
}

function key(a: number, b: number): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
