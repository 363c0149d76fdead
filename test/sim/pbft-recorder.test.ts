import { equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { simulatedDigest } from "../../server/agent/recording/digests.ts";
import type { RecordingRecord } from "../../server/agent/recording/records.ts";
import { type ReplayableSegment, ReplayDiverged, replayLife } from "../../server/agent/recording/replay.ts";
import type { RecordedSegment } from "../../server/agent/recording/segment.ts";
import { quickMesh } from "../../server/meshfile/mesh-file.ts";
import { simulate } from "../../server/sim/simulate.ts";
import {
  checkCutOff,
  checkEvents,
  checkLaterSegments,
  checkReplay,
  type RecordedAgent,
  type RecordedRun,
  recordRun,
  replayed,
} from "./recorded-run.ts";

const MESH = quickMesh({ name: "pbft4", agents: 4, topology: "mesh", consensus: "pbft" });
const SEEDS = [1, 2, 3, 8];

function recorded(seed: number, segmentBytes?: number): RecordedRun {
  return recordRun((recording) => simulate(MESH, seed, { durationMs: 4000, ...recording }), segmentBytes);
}

/** Goes through a segment's records and changes some. */
function changed(segment: RecordedSegment, change: (record: RecordingRecord) => RecordingRecord[]): ReplayableSegment {
  return { header: segment.header, records: () => [...segment.records()].flatMap(change).values() };
}

describe("recording of a simulated agent that runs PBFT", function () {
  this.timeout(60_000);

  it("changes nothing: the trace hash is that of the same run without it", () => {
    for (const seed of SEEDS)
      equal(recorded(seed, 20_000).traceHash, simulate(MESH, seed, { durationMs: 4000 }).traceHash);
  });

  it("replays every life to the state it had without a key, comparing on the way", () => {
    const lives = SEEDS.flatMap((seed) => recorded(seed).lives);
    checkReplay(lives);
    const later = lives.filter(({ incarnation }) => incarnation > 1).length;
    ok(later > 3, `only ${later} lives began from a journal`);
  });

  it("recomputes every event, to the last field", () => {
    checkEvents(recorded(1).lives);
  });

  it("tells the replicated state and PBFT's from any segment on, when those before are gone", () => {
    const { later, installed } = checkLaterSegments(SEEDS.flatMap((seed) => recorded(seed, 10_000).lives));
    ok(later > 40, `only ${later} later segments`);
    ok(installed > 0, "no state that came from another agent was among it");
  });

  it("ends nowhere with an input whose answers are missing: whatever is cut off, the rest replays", () => {
    checkCutOff(recorded(3, 5_000).lives[0] as RecordedAgent);
  });

  it("sees an answer that is missing, one too many, and another verdict", () => {
    const [first] = (recorded(2).lives[0] as RecordedAgent).segments as [RecordedSegment];
    const without = changed(first, (record) => (record.type === "answers" ? [] : [record]));
    throws(() => replayed([without]), /ReplayDiverged.*more than was recorded/s);
    const more = changed(first, (record) =>
      record.type === "answers" ? [{ ...record, answers: [...record.answers, true] }] : [record],
    );
    throws(() => replayed([more]), /ReplayDiverged.*1 fewer/s);
    const other = changed(first, (record) =>
      record.type === "answers"
        ? [{ ...record, answers: record.answers.map((answer) => (answer === true ? false : answer)) }]
        : [record],
    );
    throws(() => replayed([other]), ReplayDiverged);
  });

  it("is not replayed with another digest function, nor without one", () => {
    const all = (recorded(2).lives[0] as RecordedAgent).segments;
    throws(
      () => replayed(all, { digests: { simulated: (bytes) => simulatedDigest(bytes).reverse() } }),
      ReplayDiverged,
    );
    throws(() => replayLife(all), /digests made with simulated/);
  });
});
