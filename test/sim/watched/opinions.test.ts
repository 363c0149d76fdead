import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { MemberStateName } from "../../../server/contract/swarm.ts";
import { OpinionTally } from "../../../server/sim/watched/opinions.ts";

const SIZE = 5;
const STATES: readonly MemberStateName[] = ["suspected", "failed", "left"];

const NOTHING = { majority: null, suspectedBy: [] };

type Table = (ReadonlyMap<number, MemberStateName> | undefined)[];

/** The same, counted from the beginning, opinion by opinion. */
function counted(table: Table, subject: number) {
  const held = table.flatMap((doubts, by) =>
    doubts === undefined || by === subject ? [] : [{ by, state: doubts.get(subject) ?? ("alive" as const) }],
  );
  const count = (state: MemberStateName): number => held.filter((one) => one.state === state).length;
  let majority: MemberStateName | null = held.length === 0 ? null : "alive";
  for (const state of STATES) if (majority !== null && count(state) > count(majority)) majority = state;
  const by = (state: MemberStateName): number[] => held.filter((one) => one.state === state).map((one) => one.by);
  return { majority, suspectedBy: [...by("suspected"), ...by("failed")] };
}

describe("opinions that are counted as they change", () => {
  it("are those that a count of all gives", () => {
    const doubts = fc.dictionary(fc.constantFrom("0", "1", "2", "3", "4"), fc.constantFrom(...STATES));
    const step = fc.record({ teller: fc.nat(SIZE - 1), doubts: fc.option(doubts, { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const tally = new OpinionTally(SIZE, SIZE);
        const table: Table = Array.from({ length: SIZE }, () => undefined);
        const known = new Map<number, unknown>();
        for (const { teller, doubts: told } of steps) {
          const by =
            told &&
            new Map(
              Object.entries(told).flatMap(([subject, state]) =>
                Number(subject) === teller ? [] : [[Number(subject), state] as const],
              ),
            );
          table[teller] = by;
          tally.tells(teller, by);
          for (const [subject, opinion] of tally.take()) known.set(subject, opinion);
          for (let subject = 0; subject < SIZE; subject++)
            assert.deepEqual(known.get(subject) ?? NOTHING, counted(table, subject), `of ${subject}`);
        }
      }),
    );
  });

  it("are told once each time they change, and name doubters up to a number", () => {
    const tally = new OpinionTally(SIZE, 2);
    for (let teller = 0; teller < SIZE; teller++) tally.tells(teller, new Map());
    tally.take();
    assert.equal(tally.take().size, 0);
    for (const teller of [1, 2, 3]) tally.tells(teller, new Map([[0, "suspected"]]));
    assert.deepEqual([...tally.take()], [[0, { majority: "suspected", suspectedBy: [1, 2] }]]);
  });
});
