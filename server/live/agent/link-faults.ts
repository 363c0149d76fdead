import type { LinkRule } from "../../contract/faults.ts";
import type { Random } from "../../core/random.ts";

/** Frames that wait on one link in one direction; what comes beyond is dropped, as a full router does. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const MAX_WAITING_FRAMES = 20_000;

/** Node's timers hold 31 bits; one that fires early finds nothing due and sleeps again. */
const LONGEST_TIMER_MS = 2 ** 30;

type Direction = LinkRule["direction"];

interface Waiting {
  readonly atMs: number;
  readonly frame: Uint8Array;
  readonly deliver: (frame: Uint8Array) => void;
}

interface Channel {
  rules: LinkRule[];
  waiting: Waiting[];
  waitingBytes: number;
  wake: (() => void) | undefined;
}

export interface FaultTime {
  /** Ms since the epoch, never backwards. */
  readonly now: () => number;
  /** Calls once after so many ms; the result takes it back. */
  readonly after: (ms: number, call: () => void) => () => void;
}

export const liveTime = (now: () => number): FaultTime => ({
  now,
  after: (ms, call) => {
    const timer = setTimeout(call, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
});

/**
 * What faults do to the frames of this agent's links: drop a share of them (all: a silent cut, the connection stays), or delay them. A delayed
 * link keeps its order, as TCP does: a frame never overtakes an earlier one.
 */
export class LinkFaults {
  readonly #random: Random;
  readonly #time: FaultTime;
  readonly #channels = new Map<string, Channel>();
  readonly #dropped = new Map<string, number>();

  constructor(random: Random, time: FaultTime) {
    this.#random = random;
    this.#time = time;
  }

  /** Replaces all rules. Frames that wait where nothing delays any more go on at once, in order. */
  setRules(rules: readonly LinkRule[]): void {
    for (const channel of this.#channels.values()) channel.rules = [];
    for (const rule of rules) this.#channel(rule.direction, rule.peer).rules.push(rule);
    for (const channel of this.#channels.values())
      if (!channel.rules.some((rule) => rule.delayMs > 0 || rule.jitterMs > 0)) this.#release(channel, Infinity);
  }

  /** Hands a frame over now, later or never. */
  pass(direction: Direction, peer: string, frame: Uint8Array, deliver: (frame: Uint8Array) => void): void {
    const channel = this.#channels.get(key(direction, peer));
    if (channel === undefined || (channel.rules.length === 0 && channel.waiting.length === 0)) {
      deliver(frame);
      return;
    }
    const now = this.#time.now();
    channel.rules = channel.rules.filter((rule) => rule.untilMs === null || rule.untilMs > now);
    let delayMs = 0;
    let drop = false;
    for (const rule of channel.rules) {
      if (this.#random.chance(rule.drop)) drop = true;
      delayMs += Math.max(0, rule.delayMs + rule.jitterMs * (2 * this.#random.float() - 1));
    }
    const full =
      channel.waitingBytes + frame.length > MAX_WAITING_BYTES || channel.waiting.length >= MAX_WAITING_FRAMES;
    if (drop || (full && channel.waiting.length > 0)) this.#dropped.set(peer, this.dropped(peer) + 1);
    else if (delayMs === 0 && channel.waiting.length === 0) deliver(frame);
    else this.#hold(channel, now + delayMs, frame, deliver);
  }

  /** Frames dropped here since the start, in and out. */
  dropped(peer: string): number {
    return this.#dropped.get(peer) ?? 0;
  }

  /** The link went down: what waits on it is lost. */
  forget(peer: string): void {
    for (const direction of ["in", "out"] as const) {
      const channel = this.#channels.get(key(direction, peer));
      if (channel === undefined) continue;
      channel.wake?.();
      channel.wake = undefined;
      channel.waiting = [];
      channel.waitingBytes = 0;
    }
  }

  #channel(direction: Direction, peer: string): Channel {
    const name = key(direction, peer);
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = { rules: [], waiting: [], waitingBytes: 0, wake: undefined };
      this.#channels.set(name, channel);
    }
    return channel;
  }

  #hold(channel: Channel, dueMs: number, frame: Uint8Array, deliver: (frame: Uint8Array) => void): void {
    const atMs = Math.max(dueMs, channel.waiting.at(-1)?.atMs ?? 0);
    channel.waiting.push({ atMs, frame, deliver });
    channel.waitingBytes += frame.length;
    if (channel.wake === undefined) this.#sleep(channel);
  }

  #sleep(channel: Channel): void {
    const first = channel.waiting[0];
    if (first === undefined) return;
    channel.wake = this.#time.after(Math.max(0, first.atMs - this.#time.now()), () => {
      channel.wake = undefined;
      this.#release(channel, this.#time.now());
    });
  }

  #release(channel: Channel, now: number): void {
    let due = 0;
    while (due < channel.waiting.length && (channel.waiting[due] as Waiting).atMs <= now) due++;
    const released = channel.waiting.splice(0, due);
    for (const { frame } of released) channel.waitingBytes -= frame.length;
    channel.wake?.();
    channel.wake = undefined;
    this.#sleep(channel);
    for (const { frame, deliver } of released) deliver(frame);
  }
}

function key(direction: Direction, peer: string): string {
  return `${direction} ${peer}`;
}
