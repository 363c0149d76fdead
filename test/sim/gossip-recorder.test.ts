import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { RecordedSegment } from "../../server/agent/recording/segment.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import type { RecordedLife } from "../../server/sim/recorder.ts";
import { simulate } from "../../server/sim/simulate.ts";
import { LITTLE_KEPT } from "./gossip-mutants.ts";
import {
  DURATION_MS,
  type LaterSegments,
  MESH,
  recorded,
  replayed,
  replayLater,
  SEEDS,
  segments,
} from "./gossip-recordings.ts";
import { patchedCall } from "./patched.ts";

describe("recording of a simulated agent that decides by gossip", function () {
  this.timeout(60_000);

  it("changes nothing: the trace hash is that of the same run without it", () => {
    for (const seed of SEEDS)
      equal(recorded(seed, 20_000).traceHash, simulate(MESH, seed, { durationMs: DURATION_MS }).traceHash);
  });

  it("replays every life to the state it had, comparing on the way", () => {
    let lives = 0;
    for (const seed of SEEDS) {
      const { lives: all, hashes } = recorded(seed);
      for (const [number, life] of all.entries()) {
        const then = replayed(segments(life));
        equal(then.stateHash, hashes[number]);
        equal(then.failure, "");
        if (life.incarnation > 1) lives++;
      }
    }
    ok(lives > 3, `only ${lives} lives began from a journal`);
  });

  it("recomputes every event, to the last field", () => {
    const events = new Map<string, TimelineEvent[]>();
    const { lives } = recorded(1, undefined, (event) => {
      const life = event.id.slice(0, event.id.indexOf(":"));
      events.set(life, [...(events.get(life) ?? []), event]);
    });
    for (const life of lives) {
      const again: TimelineEvent[] = [];
      replayed(segments(life), { onEvent: (event) => again.push(event) });
      deepEqual(again, events.get(`${life.agent}.${life.incarnation}`) ?? []);
    }
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
    const life = recorded(3, 5_000).lives[0] as RecordedLife;
    const all = segments(life);
    const last = life.segments.at(-1) as Uint8Array;
    for (let cut = 1; cut < last.length; cut += 97) {
      const rest = RecordedSegment.read(last.subarray(0, last.length - cut));
      if (rest === undefined) break;
      equal(replayed([...all.slice(0, -1), rest]).failure, "");
    }
  });
});
