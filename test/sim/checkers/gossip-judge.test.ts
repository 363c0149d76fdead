import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { CommandEncoder } from "../../../server/agent/command.ts";
import type { TimelineEvent } from "../../../server/contract/timeline.ts";
import { utf8 } from "../../../server/core/bytes.ts";
import type { Entry } from "../../../server/core/consensus.ts";
import { encodeState, journalEntryOf } from "../../../server/core/gossip/journal.ts";
import { type Change, encodeChange, UNCHANGED } from "../../../server/core/gossip/roll.ts";
import { EventualMemory } from "../../../server/core/memory/eventual.ts";
import type { MemoryCommand, MemoryItem } from "../../../server/core/memory/types.ts";
import { GossipJudge, type HeldState } from "../../../server/sim/checkers/gossip-judge.ts";

const NAMES = ["a1", "a2", "a3"];
const HARD_STATE = { term: 0, votedFor: "", commit: 0 };
const encoder = new CommandEncoder();

interface Op {
  readonly by: number;
  readonly seq: number;
  readonly stamp: number;
  readonly memory: MemoryCommand;
  /** Instead of that. */
  readonly change?: Change;
}

const put = (key: string, value: string, ttlMs = 0): MemoryCommand => ({
  type: "put",
  namespace: "n",
  key,
  value: utf8(value),
  ttlMs,
});
const op = (by: number, seq: number, stamp: number, memory = put("k", `${by}.${seq}`)): Op => ({
  by,
  seq,
  stamp,
  memory,
});

const changing = (by: number, seq: number, stamp: number, kind: Change["kind"], place: number): Op => ({
  ...op(by, seq, stamp),
  change: { kind, place },
});

function entry({ by, seq, stamp, memory, change }: Op, index: number): Entry {
  if (change !== undefined)
    return journalEntryOf({ origin: by, seq, stamp, deps: [], data: encodeChange(change), changes: true }, index);
  const data = encoder.encode({
    session: `c${by}`,
    sequence: seq,
    firstUnanswered: 1,
    command: { on: "memory", memory },
  });
  return journalEntryOf({ origin: by, seq, stamp, deps: [], data }, index);
}

const item = (key: string, value: string, version: number): MemoryItem => ({
  namespace: "n",
  key,
  value: utf8(value),
  version,
  expiresAtMs: 0,
});

/** One that may join. */
const JOINER = 3;

/** Three agents, and one more that may join, whose disks are given what they are told. */
class Told {
  readonly found: string[] = [];
  readonly judge = new GossipJudge([...NAMES, "a0"], 3, "n", (invariant, detail) => {
    equal(invariant, "convergence");
    this.found.push(detail);
  });
  readonly #lengths = [0, 0, 0, 0];

  constructor() {
    for (const agent of this.#lengths.keys()) this.starts(agent);
  }

  starts(agent: number, ...ops: readonly Op[]): void {
    this.#lengths[agent] = ops.length;
    const entries = ops.map((one, at) => entry(one, at + 1));
    this.judge.started(agent, 1, { hardState: HARD_STATE, entries });
  }

  appends(agent: number, ...ops: readonly Op[]): { readonly entries: readonly Entry[] } {
    const entries = ops.map((one) => entry(one, ++(this.#lengths[agent] as number)));
    this.judge.appended(agent, { entries });
    return { entries };
  }

  has(agent: number, ...ops: readonly Op[]): void {
    this.judge.durable(agent, this.appends(agent, ...ops));
  }

  shows(agent: number, ...items: readonly MemoryItem[]): void {
    const all = items.map((one) => ({ ...one, expiresAtMs: null }));
    const value = { type: "items", items: all as never, more: false } as const;
    this.judge.replied(agent, [{ connection: 1, id: 1, result: { ok: true, value } }]);
  }

  acknowledges(agent: number, version: number): void {
    this.judge.replied(agent, [{ connection: 1, id: 1, result: { ok: true, value: { type: "written", version } } }]);
  }

  /** So many operations are on its disk. */
  counts(agent: number, operations: number, ...voters: readonly string[]): void {
    const event = {
      id: "",
      agent: NAMES[agent],
      kind: "configurationChanged",
      fields: { voters },
      state: { commit: operations },
    };
    this.judge.observed(agent, event as unknown as TimelineEvent);
    this.judge.turned(agent);
  }

  converged(agent: number, operations: number): void {
    const event = { id: "", agent: NAMES[agent], kind: "converged", fields: { members: 3, operations } };
    this.judge.observed(agent, event as unknown as TimelineEvent);
    this.judge.turned(agent);
  }
}

function state(index: number, ...ops: readonly Op[]): HeldState {
  const memory = new EventualMemory();
  for (const { memory: command, stamp } of ops) memory.apply(command, stamp, Math.floor(stamp / 1000));
  return { index, memory, proposals: { snapshot: () => new Uint8Array() } };
}

function said(act: (told: Told) => void): string {
  const told = new Told();
  act(told);
  return told.found.join("\n");
}

const [A, B, C] = [op(0, 1, 1_000_000), op(1, 1, 2_000_000), op(2, 1, 3_000_000)];

describe("the judge of gossip", () => {
  it("accepts what spreads in any causal order, and counts it", () => {
    const told = new Told();
    told.has(0, A);
    told.acknowledges(0, A.stamp);
    told.has(1, B, A);
    told.has(2, A, B, C);
    told.shows(2, item("k", "2.1", C.stamp));
    told.has(0, B, C);
    told.has(1, C);
    for (const agent of NAMES.keys()) told.judge.holds(agent, state(3, A, B, C));
    told.converged(0, 3);
    const all = [...NAMES.keys()];
    equal(told.judge.difference(all.map((agent) => [agent, state(3, C, A, B)])), undefined);
    told.judge.end(all);
    deepEqual(told.found, []);
    deepEqual([told.judge.committed, told.judge.acknowledged, told.judge.elections], [3, 1, 0]);
  });

  it("accepts members that come and go, and what is lost with one that was removed while it was down", () => {
    const told = new Told();
    const [added, removed] = [changing(0, 1, 10, "add", JOINER), changing(1, 1, 20, "remove", 2)];
    told.has(0, added);
    told.counts(0, 1, "a0", "a1", "a2", "a3");
    told.has(2, op(2, 1, 5), op(2, 2, 6));
    told.has(JOINER, added, op(JOINER, 1, 30));
    told.has(1, op(2, 1, 5), removed);
    told.judge.left(2, true);
    ok(told.judge.lost);
    const [first, joined] = [op(2, 1, 5), op(JOINER, 1, 30)];
    told.has(0, first, removed, joined);
    told.counts(0, 4, "a0", "a1", "a2");
    told.has(1, added, joined);
    told.has(JOINER, first, removed);
    told.converged(0, 4);
    // Whoever leaves says so, and what it has others have.
    const left = changing(JOINER, 2, 40, "remove", JOINER);
    told.has(JOINER, left);
    told.has(1, left);
    told.judge.left(JOINER, false);
    told.has(0, left);
    told.counts(0, 5, "a1", "a2");
    told.judge.end([0, 1]);
    deepEqual(told.found, []);
  });

  for (const [what, act, expected] of [
    [
      "an operation of one that does not count yet",
      (told: Told) => told.has(JOINER, op(JOINER, 1, 5)),
      /a0 issues operation 1, and does not count/,
    ],
    [
      "an operation of one that has left",
      (told: Told) => told.has(0, changing(0, 1, 5, "remove", 0), op(0, 2, 6)),
      /a1 issues operation 2, and does not count/,
    ],
    [
      "one that counts others than it was told to",
      (told: Told) => {
        told.has(0, changing(0, 1, 5, "remove", 1));
        told.counts(0, 1, "a1", "a2", "a3");
      },
      /a1 says that a1, a2, a3 count, and by what it was given a1, a3 do/,
    ],
    [
      "one that leaves with what only it has",
      (told: Told) => {
        told.has(0, A, changing(0, 2, 5_000_000, "remove", 0));
        told.has(1, A);
        told.judge.left(0, false);
      },
      /a1 leaves, and of its 2 operations nobody else has more than 1/,
    ],
    [
      "what is lost although somebody had it who stays",
      (told: Told) => {
        told.has(0, A);
        told.has(1, A, changing(1, 1, 5_000_000, "remove", 0));
        told.judge.left(0, true);
        told.has(2, changing(1, 1, 5_000_000, "remove", 0));
        told.judge.end([2]);
      },
      /when all is quiet a3 has 0 of the 1 operations of a1|without all that a2 knew/,
    ],
    [
      "an operation that its origin's disk could forget",
      (told: Told) => {
        told.appends(0, A);
        told.has(1, A);
      },
      /a2 is given operation 1 of a1, which a1 has not on its disk/,
    ],
    [
      "an operation that comes twice",
      (told: Told) => {
        told.has(0, A);
        told.has(1, A, A);
      },
      /a2 is given operation 1 of a1 after 1/,
    ],
    [
      "a number that is used again",
      (told: Told) => {
        told.has(0, A);
        told.has(1, op(0, 1, 1_000_000, put("k", "another")));
      },
      /operation 1 of a1 is another to a2 than it was/,
    ],
    [
      "an effect without its cause",
      (told: Told) => {
        told.has(0, A);
        told.has(1, A, B);
        told.has(2, B);
      },
      /a3 is given operation 1 of a2 without all that a2 knew before it/,
    ],
    [
      "a stamp that is not later than what its writer knew",
      (told: Told) => {
        told.has(1, B);
        told.has(0, B, op(0, 1, 1_500_000));
      },
      /a1's operation 1 is of 1500000, and it knew one of 2000000/,
    ],
    [
      "a disk that forgets",
      (told: Told) => {
        told.has(0, A, op(0, 2, 1_000_001));
        told.starts(0, A);
      },
      /a1 starts with 1 operations of a1, and had 2 on its disk/,
    ],
    [
      "an answer that is not on the disk",
      (told: Told) => {
        told.appends(0, A);
        told.acknowledges(0, A.stamp);
      },
      /a1 acknowledges version 1000000, which is not on its disk/,
    ],
    [
      "an answer older than one before",
      (told: Told) => {
        told.has(0, A, op(0, 2, 1_000_001));
        told.shows(0, item("k", "0.2", 1_000_001));
        told.shows(0, item("k", "0.1", A.stamp));
      },
      /a1 shows k of version 1000000, and has shown 1000001/,
    ],
    [
      "a value without what its writer had seen",
      (told: Told) => {
        told.has(0, A, op(0, 2, 1_000_001));
        told.shows(0, item("k", "0.2", 1_000_001));
        const other = op(0, 3, 1_000_002, put("other", "w"));
        told.has(0, other);
        told.shows(1, item("k", "0.1", A.stamp), item("other", "w", 1_000_002));
      },
      /a2 shows other of version 1000002, whose writer had seen k of version 1000001, and k of version 1000000/,
    ],
    [
      "an older write that stands",
      (told: Told) => {
        told.has(0, A);
        told.has(1, B, A);
        told.judge.holds(1, {
          ...state(2),
          memory: { list: () => [item("k", "0.1", A.stamp)], snapshot: utf8 as never },
        });
      },
      /a2 holds 0\.1 \(1000000\) as k, which was last told 1\.1 \(2000000\) among the 2 operations/,
    ],
    [
      "a deletion that is forgotten",
      (told: Told) => {
        const gone = op(0, 2, 1_000_001, { type: "delete", namespace: "n", key: "k" });
        told.has(0, A, gone);
        told.judge.holds(0, state(2, A));
      },
      /a1 holds 0\.1 \(1000000\) as k, which was last told its deletion/,
    ],
    [
      "a value that has expired and is there",
      (told: Told) => {
        told.has(0, op(0, 1, 1_000_000, put("k", "v", 100)), op(0, 2, 9_000_000, put("other", "w")));
        const items = [item("k", "v", 1_000_000), item("other", "w", 9_000_000)];
        told.judge.holds(0, { ...state(2), memory: { list: () => items, snapshot: utf8 as never } });
      },
      /a1 holds v \(1000000\) as k, which was last told v \(1000000, expired\)/,
    ],
    [
      "what nobody wrote",
      (told: Told) => {
        told.has(0, A);
        told.judge.holds(0, state(1, A, op(0, 2, 5, put("other", "x"))));
      },
      /a1 holds x \(5\) as other, which nobody wrote/,
    ],
    [
      "more than the disk was given",
      (told: Told) => {
        told.has(0, A);
        told.judge.holds(0, state(2, A, B));
      },
      /a1 has applied 2 operations, and its disk was given 1/,
    ],
    [
      "a convergence that is none",
      (told: Told) => {
        told.has(0, A);
        told.has(1, A);
        told.converged(1, 1);
      },
      /a2 says that all have its 1 operations; a3 lacks some/,
    ],
    [
      "a state without what it depends on, taken from another",
      (told: Told) => {
        told.has(0, A);
        told.has(1, A, B);
        const snapshot = (have: readonly number[]) => ({
          index: 1,
          term: 0,
          configuration: { voters: NAMES, outgoing: [], learners: [], learnersNext: [], autoLeave: false },
          data: encodeState({
            roster: 1,
            changes: UNCHANGED,
            have,
            dropped: have,
            lastTerm: 0,
            lastStamp: 0,
            retained: [],
            machine: utf8(""),
          }),
        });
        told.judge.appended(2, { snapshot: { snapshot: snapshot([0, 1, 0]), discardLog: true }, entries: [] });
      },
      /a3 takes a state without all that a2 knew/,
    ],
    [
      "something that is on a disk and does not come to all",
      (told: Told) => {
        told.has(0, A);
        told.judge.end([1]);
      },
      /when all is quiet a2 has 0 of the 1 operations of a1/,
    ],
  ] as const)
    it(`finds ${what}`, () => match(said(act), expected));

  it("says how agents differ that should be the same", () => {
    const told = new Told();
    told.has(0, A);
    told.has(1, A);
    told.has(2, op(2, 1, 5));
    const differs = (one: readonly [number, HeldState], other: readonly [number, HeldState]) =>
      told.judge.difference([one, other]);
    equal(differs([0, state(1, A)], [1, state(1, A)]), undefined);
    match(differs([0, state(1, A)], [1, state(0)]) ?? "", /a1 and a2 have applied 1 and 0 operations/);
    match(differs([0, state(1, A)], [1, state(1, B)]) ?? "", /a1 and a2 differ in their memory/);
    match(differs([0, state(1, A)], [2, state(1, A)]) ?? "", /a1 and a3 were not given the same operations/);
    match(differs([0, state(0)], [1, state(0)]) ?? "", /a1 has applied 0 of 1 operations/);
    const other = { ...state(1, A), proposals: { snapshot: () => utf8("p") } };
    match(differs([0, state(1, A)], [1, other]) ?? "", /differ in their proposals/);
  });
});
