import { equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { LITTLE_KEPT } from "./gossip-mutants.ts";
import {
  lastCheckMs,
  recorded,
  recordedChanging,
  recordedCounting,
  replayLater,
  unrecorded,
} from "./gossip-recordings.ts";
import { patchedCall } from "./patched.ts";
import {
  checkCutOff,
  checkEvents,
  checkLaterSegments,
  checkReplay,
  type LaterSegments,
  type RecordedAgent,
} from "./recorded-run.ts";

const SEEDS = [1, 2, 3];

describe("recording of a simulated agent that decides by gossip", function () {
  this.timeout(60_000);

  it("changes nothing: the trace hash is that of the same run without it", () => {
    for (const seed of SEEDS) equal(recorded(seed, 20_000).traceHash, unrecorded(seed));
  });

  it("replays every life to the state it had, comparing on the way", () => {
    const lives = SEEDS.flatMap((seed) => recorded(seed).lives);
    checkReplay(lives);
    const later = lives.filter(({ incarnation }) => incarnation > 1).length;
    ok(later > 3, `only ${later} lives began from a journal`);
  });

  it("does so with counters and sets among it, also from later segments on", () => {
    const { lives } = recordedCounting(1, 10_000);
    checkReplay(lives);
    checkEvents(lives);
    ok(checkLaterSegments(lives, lastCheckMs).later > 10);
  });

  it("does so of agents that joined, and of those that left, also from later segments on", () => {
    const { lives } = recordedChanging(2, 10_000);
    checkReplay(lives);
    checkEvents(lives);
    ok(checkLaterSegments(lives, lastCheckMs).later > 10);
    ok(
      lives.some(({ agent }) => agent.startsWith("joiner")),
      "nobody joined",
    );
  });

  it("recomputes every event, to the last field", () => {
    checkEvents(recorded(1).lives);
  });

  it("tells the replicated state and gossip's from any segment on, when those before are gone", () => {
    const { later } = replayLater(SEEDS);
    ok(later > 40, `only ${later} later segments`);
  });

  it("does so with states that came from other agents among it", async () => {
    const { installed } = await patchedCall<LaterSegments>(
      LITTLE_KEPT,
      "./gossip-recordings.ts",
      "replayLater",
      [6, 8, 13, 14],
    );
    ok(installed > 0, "no state that came from another agent was among it");
  });

  it("ends nowhere with an input whose answers are missing: whatever is cut off, the rest replays", () => {
    checkCutOff(recorded(3, 5_000).lives[0] as RecordedAgent);
  });
});
