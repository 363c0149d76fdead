import assert from "node:assert/strict";
import type { SwimSettings } from "../../../../bench/membership-network.ts";
import { SwimMembership } from "../../../../server/core/membership/swim/swim.ts";
import type {
  MemberState,
  MembershipMessage,
  MembershipObservation,
  SwimMessage,
  SwimNews,
} from "../../../../server/core/membership/types.ts";
import { seededRandom } from "../../../../server/core/random.ts";
import { QUIET } from "./settings.ts";

export interface Sent {
  readonly atMs: number;
  readonly to: string;
  readonly message: SwimMessage;
}

export interface ScriptOptions {
  readonly members?: readonly string[];
  readonly settings?: SwimSettings;
  readonly incarnation?: number;
  readonly seed?: string;
  /** Others that are heard of from the start, their news told so often that it is old; all, unless given. */
  readonly known?: readonly string[];
  readonly trust?: (id: string) => number;
  /** The member under test; broken ones show that a check can fail. */
  readonly make?: typeof SwimMembership;
}

export function news(
  id: string,
  heartbeat: number,
  state: MemberState = "alive",
  fields: Partial<SwimNews> = {},
): SwimNews {
  return { id, incarnation: 1, heartbeat, state, ...fields };
}

/** One member, "a" unless the seed says otherwise, and what is done to it. Others answer its pings at once while they are in `answering`. */
export class Script {
  readonly core: SwimMembership;
  nowMs = 0;
  answering: Set<string>;
  /** Whether those that answer say at once, asked to ping another, that they got no answer; otherwise they say nothing. */
  nacking = true;
  sent: Sent[] = [];
  happened: string[] = [];

  constructor(options: ScriptOptions = {}) {
    const { members = ["a", "b", "c", "d", "e", "f"], settings = QUIET, incarnation = 1, seed = "test" } = options;
    const { make: Membership = SwimMembership } = options;
    const known = options.known ?? members.slice(1);
    this.core = new Membership({ id: "a", members, ...settings }, incarnation, 0, seededRandom(seed), options.trust);
    this.answering = new Set(members);
    if (known.length === 0) return;
    this.told(known[0] as string, ...known.map((id) => news(id, 1)));
    for (let tells = 0; tells < 40; tells++) this.hears(known[tells % known.length] as string, { type: "ping", sequence: 0, news: [] }); // biome-ignore format: one rule
    this.sent = [];
    this.happened = [];
  }

  hears(from: string, message: MembershipMessage): void {
    this.core.heard(from, message, this.nowMs);
    this.turn();
  }

  told(from: string, ...some: SwimNews[]): void {
    this.hears(from, { type: "spread", news: some });
  }

  /** A comparison. */
  compared(from: string, ...some: SwimNews[]): void {
    this.hears(from, { type: "sync", asks: false, news: some });
  }

  linkDown(peer: string): void {
    this.core.linkDown(peer, this.nowMs);
    this.turn();
  }

  linkUp(peer: string): void {
    this.core.linkUp(peer, this.nowMs);
    this.turn();
  }

  /** Ticks whenever it is due until then. @throws AssertionError when something stays due. */
  runTo(untilMs: number): void {
    for (let dueMs = this.core.deadline(); dueMs <= untilMs; dueMs = this.core.deadline()) {
      this.nowMs = Math.max(this.nowMs, dueMs);
      // The first may be too late to do anything.
      for (let ticks = 0; ticks < 2 && this.core.deadline() <= this.nowMs; ticks++) {
        this.core.tick(this.nowMs);
        this.turn();
      }
      assert.ok(this.core.deadline() > this.nowMs, `what was due at ${dueMs} ms is still due`);
    }
    this.nowMs = untilMs;
  }

  run(ms: number): void {
    this.runTo(this.nowMs + ms);
  }

  /** Runs until it pings that one for its own sake, and gives the ping. */
  runToPing(of: string): { readonly atMs: number; readonly message: { readonly sequence: number } } {
    const from = this.sent.length;
    for (let periods = 0; periods < 100; periods++) {
      this.runTo(this.core.deadline());
      for (const { atMs, to, message } of this.sent.slice(from))
        if (to === of && message.type === "ping") return { atMs, message };
    }
    throw new Error(`${of} is not pinged`);
  }

  /** "d: pingRequest e c5?": what was sent since the last call. */
  takeSent(): string[] {
    const lines = this.sent.map(({ to, message }) => `${to}: ${described(message)}`);
    this.sent = [];
    return lines;
  }

  takeHappened(): string[] {
    const lines = this.happened;
    this.happened = [];
    return lines;
  }

  /** "alive 1.5": state, incarnation, heartbeat. */
  seen(id: string): string {
    const { state, incarnation, heartbeat } = this.core.member(id) ?? {};
    return `${state} ${incarnation}.${heartbeat}`;
  }

  /** When it began to see that one so, ms. */
  since(id: string): number {
    return this.core.member(id)?.sinceMs as number;
  }

  turn(): void {
    for (let ready = this.core.take(this.nowMs); ready !== undefined; ready = this.core.take(this.nowMs)) {
      this.happened.push(...ready.observations.map(observed));
      const messages = ready.messages.map(({ to, message }) => ({ atMs: this.nowMs, to, message: message as SwimMessage })); // biome-ignore format: one rule
      this.sent.push(...messages);
      for (const { to, message } of messages) this.#answer(to, message);
    }
  }

  #answer(from: string, message: SwimMessage): void {
    if (!this.answering.has(from)) return;
    if (message.type === "ping") this.#reply(from, "ack", message.sequence);
    else if (message.type === "pingRequest" && this.nacking) this.#reply(from, "nack", message.sequence);
  }

  #reply(from: string, type: "ack" | "nack", sequence: number): void {
    this.core.heard(from, { type, sequence, news: [] }, this.nowMs);
  }
}

const MARKS: Readonly<Record<MemberState, string>> = { alive: "", suspected: "?", failed: "x", left: "-" };

/** "ping d5x c3?": ? suspected, x failed, - left. */
export function described(message: SwimMessage): string {
  const what =
    message.type === "pingRequest"
      ? `pingRequest ${message.target}`
      : message.type === "sync" && message.asks
        ? "sync, asking"
        : message.type;
  const told = message.news.map(({ id, heartbeat, state, incarnation }) => {
    const life = incarnation === 1 ? "" : `${incarnation}.`;
    return `${id}${life}${heartbeat}${MARKS[state]}`;
  });
  return [what, ...told].join(" ");
}

export function observed(one: MembershipObservation): string {
  if (one.type === "memberSuspected") return `${one.member} suspected by ${one.by}: ${one.reason}`;
  if (one.type === "memberFailed") return `${one.member} failed by ${one.by}`;
  return one.type === "memberLeft" ? `${one.member} left` : `${one.member}.${one.incarnation} alive, was ${one.was}`;
}
