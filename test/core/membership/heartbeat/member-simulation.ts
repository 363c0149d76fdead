import { HeartbeatCodec } from "../../../../server/core/membership/heartbeat/codec.ts";
import { HeartbeatMembership } from "../../../../server/core/membership/heartbeat/heartbeat.ts";
import type {
  HeartbeatConfig,
  MembershipMessage,
  MembershipObservation,
} from "../../../../server/core/membership/types.ts";
import type { Link } from "../../../../server/core/overlay/types.ts";
import { type Random, seededRandom } from "../../../../server/core/random.ts";

export type Timing = Pick<HeartbeatConfig, "heartbeatMs" | "suspectAfterMs" | "failAfterMs" | "failAfterClosedMs">;
export const LOCAL: Timing = { heartbeatMs: 125, suspectAfterMs: 500, failAfterMs: 300, failAfterClosedMs: 200 };

export interface SimulationOptions {
  readonly ids: readonly string[];
  readonly links: readonly Link[];
  readonly seed: string;
  readonly timing?: Timing;
  /** Share of messages lost. */
  readonly loss?: number;
  /** Milliseconds a message takes, drawn evenly. */
  readonly latencyMs?: readonly [number, number];
  /** How late a timer fires, drawn evenly up to this. */
  readonly timerJitterMs?: number;
  /** The member under test; broken ones show that a check can fail. */
  readonly make?: typeof honest;
}

function honest(config: HeartbeatConfig, incarnation: number, nowMs: number, random: Random): HeartbeatMembership {
  return new HeartbeatMembership(config, incarnation, nowMs, random);
}

export interface Sighting {
  readonly atMs: number;
  readonly at: string;
  readonly observation: MembershipObservation;
}

type Due = { readonly atMs: number; readonly order: number; readonly run: () => void };

interface Node {
  readonly id: string;
  incarnation: number;
  core: HeartbeatMembership | undefined;
  pausedUntilMs: number;
  /** Inputs that wait for a paused process. */
  waiting: (() => void)[];
  alarm: Due | undefined;
}

/** Members over a simulated network in virtual time. Every message goes through the codec. Links are ordered, as TCP keeps them. */
export class MemberSimulation {
  nowMs = 0;
  readonly sightings: Sighting[] = [];
  messages = 0;
  bytes = 0;
  readonly #options: Required<SimulationOptions>;
  readonly #random: Random;
  readonly #codec: HeartbeatCodec;
  readonly #nodes: Map<string, Node>;
  readonly #cut = new Set<string>();
  readonly #silenced = new Set<string>();
  readonly #lastArrivalMs = new Map<string, number>();
  readonly #agenda: Due[] = [];
  #order = 0;

  constructor(options: SimulationOptions) {
    this.#options = { timing: LOCAL, loss: 0, latencyMs: [0.2, 2], timerJitterMs: 2, make: honest, ...options };
    this.#random = seededRandom(options.seed);
    this.#codec = new HeartbeatCodec(options.ids);
    this.#nodes = new Map(
      options.ids.map((id) => [
        id,
        { id, incarnation: 0, core: undefined, pausedUntilMs: 0, waiting: [], alarm: undefined },
      ]),
    );
  }

  /** Starts everybody within `spreadMs`. */
  startAll(spreadMs: number): void {
    for (const id of this.#options.ids) this.at(this.nowMs + this.#random.float() * spreadMs, () => this.start(id));
  }

  start(id: string): void {
    const node = this.#node(id);
    node.incarnation++;
    const config = { id, members: this.#options.ids, ...this.#options.timing };
    const seed = this.#random.fork(`${id}.${node.incarnation}`);
    node.core = this.#options.make(config, node.incarnation, this.nowMs, seed);
    node.waiting = [];
    node.pausedUntilMs = 0;
    for (const peer of this.#peers(id)) this.#tryConnect(id, peer);
    this.#turn(node);
  }

  /** kill -9: the process is gone, its links close. */
  kill(id: string): void {
    const node = this.#node(id);
    node.core = undefined;
    node.alarm = undefined;
    for (const peer of this.#peers(id)) this.#close(peer, id);
  }

  /** SIGSTOP for a while: links stay open, what arrives waits; on waking what waits is read first or the timer fires first, by chance. */
  pause(id: string, durationMs: number): void {
    const node = this.#node(id);
    node.pausedUntilMs = this.nowMs + durationMs;
    this.at(node.pausedUntilMs, () => {
      const core = node.core;
      if (core === undefined) return;
      if (this.#random.chance(0.5)) core.tick(this.nowMs);
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
    this.#cut.add(key(a, b));
    this.#close(a, b);
    this.#close(b, a);
  }

  join(a: string, b: string): void {
    this.#cut.delete(key(a, b));
    this.#tryConnect(a, b);
  }

  /** A link that stays open and delivers nothing in one direction. */
  silence(from: string, to: string, silent: boolean): void {
    if (silent) this.#silenced.add(`${from}>${to}`);
    else this.#silenced.delete(`${from}>${to}`);
  }

  at(atMs: number, run: () => void): Due {
    const due = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, run };
    let place = this.#agenda.length;
    while (place > 0 && later(this.#agenda[place - 1] as Due, due)) place--;
    this.#agenda.splice(place, 0, due);
    return due;
  }

  runUntil(untilMs: number): void {
    for (let due = this.#agenda[0]; due !== undefined && due.atMs <= untilMs; due = this.#agenda[0]) {
      this.#agenda.shift();
      this.nowMs = due.atMs;
      due.run();
    }
    this.nowMs = untilMs;
  }

  /** How `at` sees `of`; undefined when `at` does not run. */
  state(at: string, of: string): string | undefined {
    return this.#node(at).core?.member(of)?.state;
  }

  running(): string[] {
    return this.#options.ids.filter((id) => this.#node(id).core !== undefined);
  }

  /** Sightings of one type about one member since a time. */
  seen(type: MembershipObservation["type"], member: string, sinceMs: number): Sighting[] {
    return this.sightings.filter(
      ({ atMs, observation }) => atMs >= sinceMs && observation.type === type && observation.member === member,
    );
  }

  #node(id: string): Node {
    return this.#nodes.get(id) as Node;
  }

  #peers(id: string): string[] {
    return this.#options.links.flatMap(({ a, b }) => (a === id ? [b] : b === id ? [a] : []));
  }

  #tryConnect(a: string, b: string): void {
    const connectable = () =>
      this.#node(a).core !== undefined && this.#node(b).core !== undefined && !this.#cut.has(key(a, b));
    if (!connectable()) return;
    this.at(this.nowMs + 1 + this.#random.float() * 3, () => {
      if (!connectable()) return;
      this.#input(a, (core) => core.linkUp(b, this.nowMs));
      this.#input(b, (core) => core.linkUp(a, this.nowMs));
    });
  }

  /** `at` learns that its link to `peer` closed. */
  #close(at: string, peer: string): void {
    const incarnation = this.#node(at).incarnation;
    this.at(this.nowMs + 0.2 + this.#random.float() * 3, () => {
      if (this.#node(at).incarnation === incarnation) this.#input(at, (core) => core.linkDown(peer, this.nowMs));
    });
  }

  #send(from: string, to: string, message: MembershipMessage): void {
    const frame = this.#codec.encode(message);
    this.messages++;
    this.bytes += frame.length;
    const lost = this.#random.chance(this.#options.loss);
    const [least, most] = this.#options.latencyMs;
    const direction = `${from}>${to}`;
    const arrivalMs = Math.max(
      this.#lastArrivalMs.get(direction) ?? 0,
      this.nowMs + least + this.#random.float() * (most - least),
    );
    if (lost || this.#silenced.has(direction)) return;
    this.#lastArrivalMs.set(direction, arrivalMs);
    const incarnation = this.#node(to).incarnation;
    this.at(arrivalMs, () => {
      if (this.#cut.has(key(from, to)) || this.#node(to).incarnation !== incarnation) return;
      this.#input(to, (core) => core.heard(from, this.#codec.decode(frame), this.nowMs));
    });
  }

  #input(id: string, input: (core: HeartbeatMembership) => void): void {
    const node = this.#node(id);
    if (node.core === undefined) return;
    if (this.nowMs < node.pausedUntilMs) {
      node.waiting.push(() => node.core !== undefined && input(node.core));
      return;
    }
    input(node.core);
    this.#turn(node);
  }

  #turn(node: Node): void {
    const { core } = node;
    if (core === undefined) return;
    const ready = core.take(this.nowMs);
    for (const { to, message } of ready?.messages ?? []) this.#send(node.id, to, message);
    for (const observation of ready?.observations ?? [])
      this.sightings.push({ atMs: this.nowMs, at: node.id, observation });
    const deadlineMs = core.deadline();
    if (node.alarm !== undefined && node.alarm.atMs >= deadlineMs && node.alarm.atMs <= deadlineMs + 2) return;
    const alarm: Due = this.at(deadlineMs + this.#random.float() * this.#options.timerJitterMs, () => {
      if (node.alarm !== alarm || node.core !== core) return;
      node.alarm = undefined;
      this.#input(node.id, (member) => member.tick(this.nowMs));
    });
    node.alarm = alarm;
  }
}

function later(one: Due, other: Due): boolean {
  return one.atMs > other.atMs || (one.atMs === other.atMs && one.order > other.order);
}

function key(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
