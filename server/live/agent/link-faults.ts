import { Tamperer, type Tampering } from "../../agent/tamper/tamperer.ts";
import { type Crossing, type ToxicTime, type Toxin, toxinOf } from "../../agent/toxics/toxin.ts";
import type { Effect, HeldEffect } from "../../contract/faults.ts";
import type { FaultedFrames } from "../../contract/swarm.ts";
import type { Crypto } from "../../core/crypto.ts";
import type { Random } from "../../core/random.ts";

/** Frames that wait on one link in one direction; what comes beyond is dropped, as a full router does. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const MAX_WAITING_FRAMES = 20_000;

/** Node's timers hold 31 bits; one that fires early finds nothing due and sleeps again. */
const LONGEST_TIMER_MS = 2 ** 30;

export type Direction = "in" | "out";

interface Waiting {
  readonly atMs: number;
  readonly frame: Uint8Array;
  readonly deliver: (frame: Uint8Array) => void;
}

/** One direction of one link. */
interface Channel {
  readonly peer: string;
  /** The share of frames that does not pass. */
  loss: number;
  toxins: Toxin[];
  /** By time; those that keep their order were put behind the one before them. */
  waiting: Waiting[];
  waitingBytes: number;
  /** When the last frame that keeps its order arrives, ms. */
  lastAtMs: number;
  wake: (() => void) | undefined;
}

const NONE_FAULTED: FaultedFrames = { dropped: 0, delayed: 0, corrupted: 0 };

export interface FaultTime {
  /** Ms from anywhere, never backwards: the machine's, which no fault touches. */
  readonly now: () => number;
  /** Calls once after so many ms; the result takes it back. */
  readonly after: (ms: number, call: () => void) => () => void;
}

export const liveTime: FaultTime = {
  now: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

export interface LinkFaultsOptions {
  readonly self: string;
  /** All agents, in their order. */
  readonly roster: readonly string[];
  /** The shortest election timeout, ms. */
  readonly patienceMs: number;
  readonly random: Random;
  /** This agent's own: it lies in its own name. */
  readonly crypto: Crypto;
  readonly time: FaultTime;
  /** Closes the connection with a neighbour, if there is one. */
  readonly close: (peer: string) => void;
}

/**
 * What faults do to the frames of this agent's links. What it sends passes message rules and Byzantine behaviour first, then the link's toxics: the
 * same that the simulated network uses. What reaches it is only ever cut. A link keeps its order, as TCP does, unless a fault says otherwise.
 */
export class LinkFaults {
  readonly #options: LinkFaultsOptions;
  readonly #tamperer: Tamperer;
  readonly #toxicTime: ToxicTime;
  readonly #channels = new Map<string, Channel>();
  /** By the effect's id. */
  #toxins = new Map<string, { readonly toxin: Toxin; readonly channel: Channel }>();
  #slowCloseMs: ReadonlyMap<string, number> = new Map();
  readonly #connections = new Map<string, number>();
  readonly #faulted = new Map<string, { -readonly [count in keyof FaultedFrames]: number }>();
  #nextConnection = 1;

  constructor(options: LinkFaultsOptions) {
    this.#options = options;
    const { roster, patienceMs, random, crypto, time } = options;
    this.#tamperer = new Tamperer({ roster, patienceMs, random, crypto });
    this.#toxicTime = {
      get nowUs() {
        return time.now() * 1000;
      },
      afterMs: (ms, happen) => void time.after(ms, happen),
    };
  }

  rosterChanged(roster: readonly string[]): void {
    this.#tamperer.rosterChanged(roster);
  }

  /** Replaces all. Frames that wait where nothing delays any more go on at once, in order. */
  setEffects(effects: readonly HeldEffect[]): void {
    const before = this.#toxins;
    this.#toxins = new Map();
    for (const channel of this.#channels.values()) {
      channel.loss = 0;
      channel.toxins = [];
    }
    const tamperings = new Map<string, Tampering>();
    const slowCloseMs = new Map<string, number>();
    for (const { id, effect } of effects) {
      if (effect.on === "message" || effect.on === "byzantine") tamperings.set(id, effect);
      else if (effect.on === "link" && effect.toxic.toxic === "slowClose")
        slowCloseMs.set(effect.from, (slowCloseMs.get(effect.from) ?? 0) + effect.toxic.delayMs);
      else if (effect.on === "link") this.#put(id, effect, before);
    }
    this.#slowCloseMs = slowCloseMs;
    this.#tamperer.set(tamperings);
    for (const [id, { toxin }] of before) if (!this.#toxins.has(id)) toxin.end();
    for (const channel of this.#channels.values()) if (channel.toxins.length === 0) this.#release(channel, Infinity);
  }

  /** Hands a frame over now, later or never; maybe another than was given, maybe more than once. */
  pass(direction: Direction, peer: string, frame: Uint8Array, deliver: (frame: Uint8Array) => void): void {
    if (direction === "in" || this.#tamperer.idle) {
      this.#cross(direction, peer, frame, deliver, 0, false);
      return;
    }
    const { withheld } = this.#tamperer;
    const passed = this.#tamperer.pass(this.#options.self, peer, frame);
    if (passed.length === 0 || this.#tamperer.withheld > withheld) this.#count("dropped", peer);
    for (const one of passed) this.#cross(direction, peer, one.frame, deliver, one.delayMs, one.damaged);
  }

  /** Since the start. */
  faulted(peer: string): FaultedFrames {
    return this.#faulted.get(peer) ?? NONE_FAULTED;
  }

  /** Nothing passes the link with a neighbour, in one direction or the other: no connection can come about. */
  blocked(peer: string): boolean {
    return (["in", "out"] as const).some((direction) => {
      const channel = this.#channels.get(key(direction, peer));
      return channel !== undefined && blocks(channel);
    });
  }

  /** How much later than it happens a neighbour's close is to be seen, ms. */
  slowCloseMs(peer: string): number {
    return this.#slowCloseMs.get(peer) ?? 0;
  }

  /** A link came up. */
  connected(peer: string): void {
    this.#connections.set(peer, this.#nextConnection++);
  }

  /** The link went down: what waits on it is lost. */
  forget(peer: string): void {
    this.#connections.delete(peer);
    for (const direction of ["in", "out"] as const) {
      const channel = this.#channels.get(key(direction, peer));
      if (channel === undefined) continue;
      channel.wake?.();
      channel.wake = undefined;
      this.#count("dropped", peer, channel.waiting.length);
      channel.waiting = [];
      channel.waitingBytes = 0;
    }
  }

  #put(
    id: string,
    { from, to, toxic }: Extract<Effect, { readonly on: "link" }>,
    before: ReadonlyMap<string, { readonly toxin: Toxin; readonly channel: Channel }>,
  ): void {
    const out = from === this.#options.self;
    const peer = out ? to : from;
    const channel = this.#channel(out ? "out" : "in", peer);
    if (toxic.toxic === "loss") {
      channel.loss = 1 - (1 - channel.loss) * (1 - toxic.share);
      return;
    }
    if (toxic.toxic === "slowClose") return;
    const connections = this.#connections;
    const toxin =
      before.get(id)?.toxin ??
      toxinOf(toxic, {
        schedule: this.#toxicTime,
        random: this.#options.random,
        get connection() {
          return connections.get(peer) ?? 0;
        },
        close: () => this.#options.close(peer),
        blockingChanged: () => {},
      });
    channel.toxins.push(toxin);
    this.#toxins.set(id, { toxin, channel });
  }

  #cross(
    direction: Direction,
    peer: string,
    frame: Uint8Array,
    deliver: (frame: Uint8Array) => void,
    lateMs: number,
    damaged: boolean,
  ): void {
    const known = this.#channels.get(key(direction, peer));
    if (lateMs === 0 && (known === undefined || isIdle(known))) {
      if (damaged) this.#count("corrupted", peer);
      deliver(frame);
      return;
    }
    const channel = known ?? this.#channel(direction, peer);
    if (blocks(channel) || (channel.loss > 0 && this.#options.random.chance(channel.loss))) {
      this.#count("dropped", peer);
      return;
    }
    const now = this.#options.time.now();
    const crossing: Crossing = { frame, arrivalUs: (now + lateMs) * 1000, copies: 0, free: lateMs > 0, damaged };
    for (const toxin of channel.toxins) toxin.cross(crossing);
    if (crossing.damaged) this.#count("corrupted", peer);
    let held = false;
    for (let copy = 0; copy <= crossing.copies; copy++) {
      const full =
        channel.waitingBytes + crossing.frame.length > MAX_WAITING_BYTES ||
        channel.waiting.length >= MAX_WAITING_FRAMES;
      if (crossing.arrivalUs <= now * 1000 && channel.waiting.length === 0) deliver(crossing.frame);
      else if (full && channel.waiting.length > 0) this.#count("dropped", peer);
      else {
        this.#hold(channel, crossing, deliver);
        held = true;
      }
    }
    if (held) this.#count("delayed", peer);
  }

  #count(what: keyof FaultedFrames, peer: string, frames = 1): void {
    if (frames === 0) return;
    let counts = this.#faulted.get(peer);
    if (counts === undefined) {
      counts = { ...NONE_FAULTED };
      this.#faulted.set(peer, counts);
    }
    counts[what] += frames;
  }

  #channel(direction: Direction, peer: string): Channel {
    const name = key(direction, peer);
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = { peer, loss: 0, toxins: [], waiting: [], waitingBytes: 0, lastAtMs: 0, wake: undefined };
      this.#channels.set(name, channel);
    }
    return channel;
  }

  #hold(channel: Channel, { frame, arrivalUs, free }: Crossing, deliver: (frame: Uint8Array) => void): void {
    let atMs = arrivalUs / 1000;
    if (!free) {
      atMs = Math.max(atMs, channel.lastAtMs);
      channel.lastAtMs = atMs;
    }
    let place = channel.waiting.length;
    while (place > 0 && (channel.waiting[place - 1] as Waiting).atMs > atMs) place--;
    channel.waiting.splice(place, 0, { atMs, frame, deliver });
    channel.waitingBytes += frame.length;
    if (place > 0 && channel.wake !== undefined) return;
    channel.wake?.();
    this.#sleep(channel);
  }

  #sleep(channel: Channel): void {
    channel.wake = undefined;
    const first = channel.waiting[0];
    if (first === undefined) return;
    channel.wake = this.#options.time.after(Math.max(0, first.atMs - this.#options.time.now()), () => {
      channel.wake = undefined;
      this.#release(channel, this.#options.time.now());
    });
  }

  #release(channel: Channel, now: number): void {
    let due = 0;
    while (due < channel.waiting.length && (channel.waiting[due] as Waiting).atMs <= now) due++;
    const released = channel.waiting.splice(0, due);
    for (const { frame } of released) channel.waitingBytes -= frame.length;
    if (channel.waiting.length === 0 && now === Infinity) channel.lastAtMs = 0;
    channel.wake?.();
    this.#sleep(channel);
    // Nothing passes now: neither what is sent nor what was on its way.
    if (blocks(channel)) this.#count("dropped", channel.peer, released.length);
    else for (const { frame, deliver } of released) deliver(frame);
  }
}

function isIdle(channel: Channel): boolean {
  return channel.loss === 0 && channel.toxins.length === 0 && channel.waiting.length === 0;
}

function blocks({ loss, toxins }: Channel): boolean {
  return loss === 1 || toxins.some((toxin) => toxin.blocks);
}

function key(direction: Direction, peer: string): string {
  return `${direction} ${peer}`;
}
