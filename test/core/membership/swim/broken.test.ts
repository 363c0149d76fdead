import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { SwimMembership } from "../../../../server/core/membership/swim/swim.ts";
import { BROKEN } from "./broken.ts";
import { assertAgreement, assertCalmEnds, assertEachConfirmsOnce, assertVerdictsAreAskedAbout } from "./checks.ts";
import { LOCAL } from "./settings.ts";
import {
  cutOne,
  forSeeds,
  goodbye,
  killAndRestart,
  load,
  lossy,
  partitionAndHeal,
  pauseAndResume,
  type SwarmOptions,
} from "./swarm.ts";

type Subject = typeof SwimMembership;
type Trial = (subject: Subject) => void;

const over = (Broken: Subject): SwarmOptions => ({ make: (...given) => new Broken(...given) });

function killedWithLinks(subject: Subject): void {
  forSeeds(20, (seed) => killAndRestart(seed, over(subject), 2300));
}
function killedWithoutLinks(subject: Subject): void {
  forSeeds(20, (seed) => killAndRestart(seed, { ...over(subject), overUdp: true }, 3500));
}
function stopped(subject: Subject): void {
  forSeeds(10, (seed) => void pauseAndResume(seed, 4000 + 100 * seed, over(subject)));
}
function stoppedShortly(subject: Subject): void {
  forSeeds(20, (seed) => assert.equal(pauseAndResume(seed, 400 + 10 * seed, over(subject))[1], false, "nobody is failed yet")); // biome-ignore format: one rule
}
function linkCut(subject: Subject): void {
  forSeeds(10, (seed) => cutOne(seed, over(subject)));
}
function pathCut(subject: Subject): void {
  forSeeds(10, (seed) => cutOne(seed, { ...over(subject), overUdp: true }));
}
function parted(subject: Subject): void {
  forSeeds(10, (seed) => void partitionAndHeal(seed, over(subject)));
}
function lost(subject: Subject): void {
  forSeeds(5, (seed) => void lossy(seed, 0.1, 20_000, over(subject)));
}
function left(subject: Subject): void {
  forSeeds(10, (seed) => goodbye(seed, over(subject)));
}
function loaded(subject: Subject): void {
  for (const size of [10, 30]) {
    const settings = { ...LOCAL, syncIntervalMs: Number.POSITIVE_INFINITY };
    const [mean] = load(size, { ...over(subject), settings });
    assert.ok(Math.abs(mean - 2) < 0.02, `${mean} messages a period among ${size}`);
  }
}

/** Each of them, what finds it out, and how that says it. */
const CAUGHT: readonly (readonly [keyof typeof BROKEN, Trial, RegExp])[] = [
  ["NeverRefutes", stopped, /all are alive again within/],
  ["NeverRefutes", lost, /nobody is failed who runs/],
  ["RefutesInVain", stopped, /all are alive again within/],
  ["IgnoresHelpers", pathCut, /nobody is suspected/],
  ["CountsWhoTells", assertEachConfirmsOnce, /by telling it again/],
  ["TellsNoVerdicts", killedWithLinks, /all know that a\d+ failed within/],
  ["TellsNoVerdicts", stopped, /all are alive again within/],
  ["TellsOnlyOfItself", killedWithLinks, /all know that a\d+ failed within/],
  ["TakesAClosedLinkForAVerdict", linkCut, /nobody is suspected/],
  ["ForgetsThatLinksClose", killedWithLinks, /all know that a\d+ failed within/],
  ["ProbesAlwaysTheSame", killedWithoutLinks, /all know that a\d+ failed within/],
  ["ProbesOneRound", killedWithoutLinks, /all know that a\d+ failed within/],
  ["TakesOldNewsForNew", assertAgreement, /whatever the order/],
  ["TakesOldNewsForNew", killedWithLinks, /all know that|sees a\d+ alive/],
  ["NeverCompares", parted, /all are alive after the partition within/],
  ["BelievesComparisons", assertVerdictsAreAskedAbout, /before it is believed/],
  ["BelievesItsOwnSleep", stopped, /nobody is suspected|all are alive again within/],
  ["LeavesWithoutAWord", left, /knows that a\d+ left/],
  ["IsImpatient", linkCut, /nobody is suspected|sees a\d+ alive/],
  ["GivesNoTime", stoppedShortly, /nobody is failed yet/],
  ["PingsEverybody", loaded, /messages a period among/],
  ["NeverStopsTelling", assertCalmEnds, /nothing is told any more/],
];

/** @throws AssertionError unless it fails, and it or what it was caused by says so. */
function assertCaught(run: () => void, sentence: RegExp): void {
  assert.throws(run, (error: Error) => {
    const said = error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
    assert.match(said, sentence);
    return true;
  });
}

describe("the checks of probing members", function () {
  this.timeout(20_000);

  it("find nothing wrong with the right one", () => {
    for (const trial of new Set(CAUGHT.map(([, trial]) => trial))) trial(SwimMembership);
  });

  it("notice every one of the broken ones", () => {
    assert.deepEqual([...new Set(CAUGHT.map(([name]) => name))].toSorted(), Object.keys(BROKEN).toSorted());
  });

  for (const [name, trial, sentence] of CAUGHT)
    it(`notice one that ${name} (${trial.name})`, () => assertCaught(() => trial(BROKEN[name]), sentence));
});
