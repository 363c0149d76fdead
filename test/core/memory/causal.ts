import assert from "node:assert/strict";
import fc from "fast-check";
import { fromUtf8 } from "../../../server/core/bytes.ts";
import { EventualMemory } from "../../../server/core/memory/eventual.ts";
import { prepare } from "../../../server/core/memory/preparing.ts";
import type { MemoryCommand } from "../../../server/core/memory/types.ts";
import type { WriteId } from "../../../server/core/memory/write-id.ts";

/** An operation, as one agent tells it to the others. */
export interface Told {
  readonly command: MemoryCommand;
  readonly id: WriteId;
  readonly stamp: number;
  readonly timeMs: number;
  /** Adds that its agent had been given when it told this: all of them, also those that were gone. By name. */
  readonly knew: ReadonlySet<string>;
}

/** What is tried: a memory, or one that is broken. */
export interface Subject {
  readonly memory: EventualMemory;
  give(told: Told): void;
}

export type Step =
  /** repeat: the write before, once more, as a client does that got no answer. */
  | {
      readonly type: "write";
      readonly at: number;
      readonly wish: Wish;
      readonly repeat: boolean;
      readonly laterMs: number;
    }
  /** What `from` has and `to` lacks, so many, in the order of `from`: causal order. */
  | { readonly type: "tell"; readonly from: number; readonly to: number; readonly count: number }
  /** It goes on from its own snapshot. */
  | { readonly type: "restart"; readonly at: number };

export type Wish =
  | { readonly type: "increment"; readonly key: string; readonly by: number }
  | { readonly type: "add" | "remove"; readonly key: string; readonly element: string };

const AGENTS = 3;
const NAMESPACE = "n";
const T = 1_000_000;
const agent = fc.nat(AGENTS - 1);

/** Few keys and few elements, so that they meet. Counters and sets have keys of their own. */
const wish: fc.Arbitrary<Wish> = fc.oneof(
  fc.record({
    type: fc.constant("increment" as const),
    key: fc.constantFrom("c1", "c2"),
    by: fc.integer({ min: -5, max: 5 }).filter((by) => by !== 0),
  }),
  fc.record({
    type: fc.constantFrom("add" as const, "add" as const, "remove" as const),
    key: fc.constantFrom("s1", "s2"),
    element: fc.constantFrom("x", "y"),
  }),
);

export const script: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        type: fc.constant("write" as const),
        at: agent,
        wish,
        repeat: fc.boolean(),
        laterMs: fc.nat(3),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ type: fc.constant("tell" as const), from: agent, to: agent, count: fc.nat(5) }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("restart" as const), at: agent }) },
  ),
  { maxLength: 60 },
);

interface Peer {
  subject: Subject;
  readonly log: Told[];
  readonly has: Set<Told>;
}

/** Plays a script, then tells everybody everything. @throws AssertionError unless all hold the same then, and what the operations come to. */
export function play(steps: readonly Step[], make: (memory: EventualMemory) => Subject): void {
  const peers: Peer[] = Array.from({ length: AGENTS }, () => ({
    subject: make(new EventualMemory()),
    log: [],
    has: new Set(),
  }));
  const all: Told[] = [];
  let [sequence, timeMs] = [0, T];
  let last: { readonly wish: Wish; readonly id: WriteId } | undefined;
  const give = (peer: Peer, told: Told): void => {
    peer.subject.give(told);
    peer.log.push(told);
    peer.has.add(told);
  };
  const tell = (from: number, to: number, count: number): void => {
    const [teller, hearer] = [peers[from] as Peer, peers[to] as Peer];
    for (const told of teller.log.filter((one) => !hearer.has.has(one)).slice(0, count)) give(hearer, told);
  };
  for (const step of steps) {
    if (step.type === "tell") tell(step.from, step.to, step.count);
    else if (step.type === "restart") {
      const peer = peers[step.at] as Peer;
      const memory = new EventualMemory();
      memory.restore(peer.subject.memory.snapshot());
      peer.subject = make(memory);
    } else {
      const peer = peers[step.at] as Peer;
      const again = step.repeat ? last : undefined;
      const { wish: what, id } = again ?? { wish: step.wish, id: { session: "c", sequence: ++sequence } };
      last = { wish: what, id };
      timeMs += step.laterMs;
      const prepared = prepare(peer.subject.memory, commandOf(what));
      assert.ok("command" in prepared, JSON.stringify(prepared));
      const knew = new Set(peer.log.filter(({ command }) => command.type === "add").map(nameOf));
      // Stamps rise along what depends on each other, and may be equal where nothing does.
      const stamp = Math.max(timeMs * 1000, 1 + Math.max(0, ...peer.log.map((told) => told.stamp)));
      const told: Told = { command: prepared.command, id, stamp, timeMs, knew };
      all.push(told);
      give(peer, told);
    }
  }
  for (let round = 0; round < AGENTS; round++)
    for (let from = 0; from < AGENTS; from++)
      for (let to = 0; to < AGENTS; to++) tell(from, to, Number.POSITIVE_INFINITY);
  const expected = expectedOf(all);
  for (const { subject } of peers) {
    const { memory } = subject;
    assert.deepEqual(
      memory.list(NAMESPACE, "", 100).map(({ key, value }) => [key, fromUtf8(value)]),
      expected,
    );
    assert.deepEqual(memory.snapshot(), peers[0]?.subject.memory.snapshot());
  }
}

function commandOf(what: Wish): MemoryCommand {
  const place = { namespace: NAMESPACE, key: what.key };
  if (what.type === "increment") return { type: "increment", ...place, by: what.by };
  return { type: what.type, ...place, element: what.element, replaces: [] };
}

function nameOf({ id }: Told): string {
  return `${id.session} ${id.sequence}`;
}

/** From the whole history: a counter is the sum of its writes, and an element is there while one of its adds was unknown to whatever took its adds away. Not by the code that is judged. */
function expectedOf(all: readonly Told[]): [string, string][] {
  const totals = new Map<string, number>();
  const counted = new Set<string>();
  const elements = new Map<string, Set<string>>();
  for (const told of all) {
    const { command } = told;
    if (command.type === "increment" && !counted.has(nameOf(told))) {
      counted.add(nameOf(told));
      totals.set(command.key, (totals.get(command.key) ?? 0) + command.by);
    }
    if (command.type !== "add") continue;
    const { key, element } = command;
    const takenAway = all.some(
      ({ command: other, knew, id }) =>
        (other.type === "remove" || (other.type === "add" && nameOf({ ...told, id }) !== nameOf(told))) &&
        other.key === key &&
        other.element === element &&
        knew.has(nameOf(told)),
    );
    if (!takenAway) elements.set(key, (elements.get(key) ?? new Set()).add(element));
  }
  const shown: [string, string][] = [...totals].map(([key, total]) => [key, String(total)]);
  for (const [key, set] of elements) shown.push([key, JSON.stringify([...set].sort())]);
  return shown.sort(([a], [b]) => (a < b ? -1 : 1));
}
