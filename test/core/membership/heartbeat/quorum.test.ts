import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Patch } from "../../../mutants/mutant.ts";
import { patchedCall } from "../../../sim/patched.ts";
import { LOCAL } from "./member-simulation.ts";
import {
  accusedByAll,
  fallApart,
  forSeeds,
  KINDS,
  loseFive,
  partition,
  SPREAD_MS,
  shortAbsence,
  WAYS_TO_LOSE,
} from "./trials.ts";

const SPARSE = KINDS.filter((kind) => kind !== "mesh");
/** In which three of six have a link with one at the most. */
const FEW_NEIGHBOURS = SPARSE.filter((kind) => kind !== "k-regular" && kind !== "small-world");

describe("members that confirm each other's suspicions", () => {
  for (const way of WAYS_TO_LOSE)
    it(`all know of five of twelve that are ${way}: the other seven are a bare quorum (15 seeds a topology)`, () => {
      for (const kind of KINDS) {
        const times: number[] = [];
        forSeeds(15, (seed) => times.push(loseFive(seed, way, { kind })));
        // Nobody was failed before the others could know by themselves.
        const soonestMs = kind === "mesh" ? LOCAL.failAfterClosedMs : LOCAL.suspectAfterMs - 2 * SPREAD_MS;
        assert.ok(Math.min(...times) >= soonestMs, `${kind}: ${Math.min(...times)} ms`);
      }
    }).timeout(60_000);

  it("know of them where a tenth of all messages is lost, too, after one silence more at most", () => {
    for (const kind of KINDS)
      for (const way of WAYS_TO_LOSE) forSeeds(5, (seed) => loseFive(seed, way, { kind, loss: 0.1 }));
  }).timeout(60_000);

  for (const how of ["cut", "mute"] as const) {
    it(`fail the other side of a partition only as a majority, and see all alive soon after it heals (${how}, 100 seeds)`, () =>
      forSeeds(100, (seed) => partition(seed, how, false))).timeout(30_000);
    it(`fail nobody where neither side is a majority (${how}, 100 seeds)`, () =>
      forSeeds(100, (seed) => partition(seed, how, true))).timeout(30_000);
  }

  it("fail nobody by less than half of all, though most of the others have failed", () => forSeeds(10, fallApart));

  it("fail nobody whose neighbours alone miss it", () => {
    for (const kind of FEW_NEIGHBOURS) forSeeds(40, (seed) => shortAbsence(seed, { kind }));
  });

  it("fail nobody for suspicions that it has refuted", () => forSeeds(40, (seed) => accusedByAll(seed)));

  describe("the checks notice members that", () => {
    const HEARTBEAT = "server/core/membership/heartbeat/heartbeat.ts";
    const CONFIRMERS = "server/core/membership/heartbeat/confirmers.ts";
    const QUORUM = "return confirming * 2 > members;";
    const table: readonly [what: string, patches: readonly Patch[], trial: string, sentence: RegExp][] = [
      [
        "fail by themselves",
        [{ file: CONFIRMERS, find: QUORUM, replace: "return confirming > 0 && members > 0;" }],
        "aPartition",
        /a side that is no majority fails nobody/,
      ],
      [
        "take half for a quorum",
        [{ file: CONFIRMERS, find: QUORUM, replace: "return confirming * 2 >= members;" }],
        "anEvenPartition",
        /a side that is no majority fails nobody/,
      ],
      [
        "do not count who has failed as a member",
        [{ file: HEARTBEAT, find: 'if (state !== "left") members++', replace: 'if (state !== "left" && state !== "failed") members++' }], // biome-ignore format: one patch
        "aMajorityThatFallsApart",
        /four of twelve fail nobody/,
      ],
      [
        "confirm what they are only told",
        [
          {
            file: HEARTBEAT,
            find: "view.confirmers = closed ? confirmers | this.#confirmer : confirmers;",
            replace: "view.confirmers = confirmers | this.#confirmer;",
          },
        ],
        "aShortAbsence",
        /nobody is failed because its neighbours say so|sees a6 alive/,
      ],
      [
        "never drop confirmations",
        [
          { file: HEARTBEAT, find: "    view.confirmers = NOBODY;\n", replace: "" },
          { file: HEARTBEAT, find: "view.confirmers = closed ? confirmers |", replace: "view.confirmers |= closed ? confirmers |" }, // biome-ignore format: one patch
        ],
        "accusationsByAll",
        /nobody is failed for what it has refuted/,
      ],
      [
        "do not pass on who else confirms",
        [
          {
            file: HEARTBEAT,
            find: "const all = view.confirmers | confirmers;",
            replace: "const all = view.confirmers;",
          },
        ],
        "fiveLost",
        /knows that a\d+ failed/,
      ],
      [
        "tell a confirmation once",
        [
          {
            file: "server/core/membership/heartbeat/neighbour.ts",
            find: "this.#tellsLeft[place] = TELLS.suspected - 1;",
            replace: "this.#tellsLeft[place] = 0;",
          },
        ],
        "fiveLostWithLoss",
        /is known to all only after|knows that a\d+ failed/,
      ],
    ];
    for (const [what, patches, trial, sentence] of table)
      it(what, async () => {
        const module = "../core/membership/heartbeat/broken-trials.ts";
        assert.equal(await patchedCall<string>([], module, trial), "", "nothing where nothing is wrong");
        assert.match(await patchedCall<string>(patches, module, trial), sentence);
      }).timeout(60_000);
  });
});
