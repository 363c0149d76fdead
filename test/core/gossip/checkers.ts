import type { AgentId, Entry, PersistBatch, Snapshot } from "../../../server/core/consensus.ts";
import { decodeState, operationIn } from "../../../server/core/gossip/journal.ts";
import type { GossipHardState, GossipMessage, Operation, Vector } from "../../../server/core/gossip/types.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { FANOUT } from "../../../server/core/reconciliation/checksum-tree.ts";

export type PromiseName =
  | "exactly once"
  | "causal order"
  | "own log"
  | "nothing acknowledged is lost"
  | "nothing is said that could be forgotten"
  | "one operation a number"
  | "rising stamps"
  | "vectors only rise"
  | "convergence is known truly"
  | "convergence"
  | "bounded messages"
  | "what differs travels"
  | "bounded clocks";

/** Thrown where a promise is broken. */
export class BrokenPromise extends Error {
  readonly promise: PromiseName;

  constructor(promise: PromiseName, detail: string) {
    super(`${promise}: ${detail}`);
    this.promise = promise;
  }
}

export function promised(holds: boolean, promise: PromiseName, detail: () => string): void {
  if (!holds) throw new BrokenPromise(promise, detail());
}

/** What an agent's disk would give back after a crash. */
export class DiskImage {
  hardState: GossipHardState = { term: 0, votedFor: "", commit: 0 };
  snapshot: Snapshot | undefined;
  entries: Entry[] = [];
  /** How many of each member are on it. */
  readonly have: number[];

  constructor(members: number) {
    this.have = Array.from({ length: members }, () => 0);
  }

  store(batch: PersistBatch<GossipHardState>): void {
    const before = this.snapshot?.index ?? 0;
    if (batch.snapshot !== undefined) {
      const { snapshot, discardLog } = batch.snapshot;
      this.entries = discardLog ? [] : this.entries.slice(snapshot.index - before);
      this.snapshot = snapshot;
    }
    const first = batch.entries[0];
    if (first !== undefined) {
      const place = first.index - (this.snapshot?.index ?? 0) - 1;
      if (place !== this.entries.length) throw new BrokenPromise("own log", `entry ${first.index} written at ${place}`);
      this.entries.push(...batch.entries);
    }
    const stands = this.snapshot === undefined ? undefined : decodeState(this.snapshot.data).have;
    if (batch.snapshot !== undefined) for (let at = 0; at < this.have.length; at++) this.have[at] = stands?.[at] ?? 0;
    for (const entry of batch.snapshot === undefined ? batch.entries : this.entries) {
      const { origin, seq } = operationIn(entry);
      this.have[origin] = seq;
    }
  }
}

export interface Sender {
  readonly id: AgentId;
  readonly life: number;
  readonly disk: DiskImage;
}

/** Watches a whole cluster from outside, by what enters and leaves its agents. */
export class Checkers {
  /** What whoever proposed a command had been given before, and had proposed. */
  readonly #pasts = new Map<string, readonly string[]>();
  readonly #acknowledged = new Map<string, AgentId>();
  readonly #said = new Map<string, { readonly text: string; readonly stamp: number }>();
  readonly #vectors = new Map<AgentId, Vector>();
  readonly #stamps = new Map<string, number>();
  /** By agent, life and operation: how often it told of it by rumour. */
  readonly #told = new Map<string, number>();
  /** By who was told, and by whom: what a member said that it has. */
  readonly #heard = new Map<string, Map<number, number>>();

  get acknowledged(): ReadonlyMap<string, AgentId> {
    return this.#acknowledged;
  }

  proposed(text: string, past: Iterable<string>): void {
    this.#pasts.set(text, [...past]);
  }

  given(id: AgentId, entry: Entry, index: number, state: Set<string>): void {
    const text = new TextDecoder().decode(entry.data);
    promised(entry.index === index, "own log", () => `${id} gives out ${entry.index} after ${index - 1}`);
    promised(
      entry.timeMs === Math.floor(entry.term / 1000),
      "own log",
      () => `${id}'s entry ${index} has no time of its own`,
    );
    promised(!state.has(text), "exactly once", () => `${id} gives out ${text} again, at ${index}`);
    const past = this.#pasts.get(text);
    promised(past !== undefined, "exactly once", () => `${id} gives out ${text}, which nobody proposed`);
    for (const before of past ?? [])
      promised(state.has(before), "causal order", () => `${id} gives out ${text} without ${before} before it`);
    state.add(text);
    if (text.startsWith(`${id}:`)) this.#acknowledged.set(text, id);
  }

  /** What an agent has given out again after a start, or was installed. */
  stands(id: AgentId, state: ReadonlySet<string>): void {
    for (const [text, by] of this.#acknowledged)
      promised(by !== id || state.has(text), "nothing acknowledged is lost", () => `${id} does not have its ${text}`);
  }

  /** @param latestMs the latest time that it may believe in. */
  logged(id: AgentId, entry: Entry, members: readonly AgentId[], latestMs: number): void {
    const { origin, seq, stamp } = operationIn(entry);
    promised(
      stamp / 1000 <= latestMs + 1,
      "bounded clocks",
      () => `${id} takes ${stamp} up, and believes ${latestMs} ms`,
    );
    const text = new TextDecoder().decode(operationIn(entry).data);
    const own = members[origin] as AgentId;
    promised(text.startsWith(`${own}:`), "one operation a number", () => `${id} has ${text} as one of ${own}`);
    // A stamp is greater than all that its origin had been given.
    for (const before of this.#pasts.get(text) ?? []) {
      const earlier = this.#stamps.get(before) ?? 0;
      promised(
        earlier < stamp,
        "rising stamps",
        () => `${text} (${own} ${seq}) is of ${stamp}, ${before} of ${earlier}`,
      );
    }
    this.#stamps.set(text, stamp);
  }

  /** A digest arrives: of what it says its sender has, the receiver sends it nothing any more. */
  heard(id: AgentId, life: number, from: AgentId, message: GossipMessage): void {
    const said = countsIn(message);
    if (said.length === 0) return;
    const key = `${id} ${life} ${from}`;
    const has = this.#heard.get(key) ?? new Map<number, number>();
    for (const { member, have } of said) has.set(member, Math.max(have, has.get(member) ?? 0));
    this.#heard.set(key, has);
  }

  /** A message is made. */
  made(id: AgentId, life: number, to: AgentId, message: GossipMessage): void {
    const has = this.#heard.get(`${id} ${life} ${to}`);
    for (const { origin, seq } of message.type === "delta" ? message.operations : [])
      promised(
        seq > (has?.get(origin) ?? 0),
        "what differs travels",
        () => `${id} sends ${to} number ${seq} of member ${origin}, which has ${has?.get(origin)}`,
      );
  }

  /** A message leaves: all that it says must be on its sender's disk. @param fanout how often it may tell of one operation. */
  sent({ id, life, disk }: Sender, message: GossipMessage, fanout: number): void {
    for (const { member, have } of countsIn(message))
      promised(
        have <= (disk.have[member] as number),
        "nothing is said that could be forgotten",
        () => `${id} says ${have} of member ${member} with ${disk.have} on its disk`,
      );
    if (message.type === "digest") {
      const last = this.#vectors.get(id) ?? message.have.map(() => 0);
      promised(
        message.have.every((seq, at) => seq >= (last[at] as number)),
        "vectors only rise",
        () => `${id} has ${message.have} after ${last}`,
      );
      this.#vectors.set(id, message.have);
    }
    for (const { operation } of message.type === "rumour" ? message.rumours : []) {
      const key = `${id} ${life} ${operation.origin} ${operation.seq}`;
      const times = (this.#told.get(key) ?? 0) + 1;
      promised(times <= fanout, "bounded messages", () => `${id} tells ${times} times of ${key}`);
      this.#told.set(key, times);
    }
    const said =
      message.type === "rumour"
        ? message.rumours.map(({ operation }) => operation)
        : message.type === "delta"
          ? message.operations
          : [];
    for (const operation of said) this.#says(id, operation, disk);
  }

  /** An agent knows that everybody has all that it has. */
  converged(id: AgentId, have: Vector, disks: readonly DiskImage[]): void {
    for (const [at, disk] of disks.entries())
      promised(
        have.every((seq, origin) => seq <= (disk.have[origin] as number)),
        "convergence is known truly",
        () => `${id} takes it that all have ${have}; member ${at} has ${disk.have}`,
      );
  }

  #says(id: AgentId, { origin, seq, data, stamp }: Operation, disk: DiskImage): void {
    const text = new TextDecoder().decode(data);
    promised(
      seq <= (disk.have[origin] as number),
      "nothing is said that could be forgotten",
      () => `${id} passes on ${text}, which is not on its disk`,
    );
    const key = `${origin} ${seq}`;
    const before = this.#said.get(key) ?? { text, stamp };
    promised(
      before.text === text && before.stamp === stamp,
      "one operation a number",
      () => `number ${seq} of member ${origin} is ${before.text} and ${text}`,
    );
    this.#said.set(key, before);
  }
}

/** What a message says that its sender has, by member: as far as it says so in so many words. */
function countsIn(message: GossipMessage): readonly { readonly member: number; readonly have: number }[] {
  switch (message.type) {
    case "digest":
      return message.have.map((have, member) => ({ member, have }));
    case "checksum":
      return message.recent;
    case "ranges":
      return message.leaves.flatMap(({ index, counts }) =>
        counts.map(({ have }, at) => ({ member: index * FANOUT + at, have })),
      );
    default:
      return [];
  }
}

/** The promise that an error breaks, and how; undefined for one that is no finding. */
export function findingIn(error: unknown): { readonly promise: string; readonly detail: string } | undefined {
  if (error instanceof BrokenPromise) return { promise: error.promise, detail: error.message };
  if (error instanceof InvariantViolation) return { promise: "the core's own invariants", detail: error.message };
  if (error instanceof RangeError || (error instanceof Error && error.name === "MalformedBytes"))
    return { promise: "the world goes on", detail: error.message };
  return undefined;
}
