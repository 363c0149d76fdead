import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { ReplayDiverged } from "../../server/agent/recording/replay.ts";
import type { RecordedSegment } from "../../server/agent/recording/segment.ts";
import { simulate } from "../../server/sim/simulate.ts";
import { meshOf } from "./meshes.ts";
import { checkEvents, checkReplay, type RecordedAgent, type RecordedRun, recordRun, replayed } from "./recorded-run.ts";

const SEEDS = [1, 2, 3, 4, 5];

function recorded(seed: number, segmentBytes?: number): RecordedRun {
  return recordRun((recording) => simulate(meshOf(5), seed, { durationMs: 4000, ...recording }), segmentBytes);
}

describe("recording of a simulated agent", function () {
  this.timeout(60_000);

  it("changes nothing: the trace hash is that of the same run without it", () => {
    for (const seed of SEEDS)
      equal(recorded(seed, 20_000).traceHash, simulate(meshOf(5), seed, { durationMs: 4000 }).traceHash);
  });

  it("replays every life to the state it had, comparing on the way", () => {
    for (const seed of SEEDS) {
      const { lives } = recorded(seed);
      ok(lives.length >= 5);
      checkReplay(lives);
    }
  });

  it("replays every life and every event of agents that look for their links themselves", () => {
    const { lives } = recordRun((recording) => simulate(meshOf(6, "hyparview"), 1, { durationMs: 3000, ...recording }));
    checkReplay(lives);
    checkEvents(lives);
    ok(lives.some(({ events }) => events.some(({ kind }) => kind === "neighbourDown")));
  });

  it("recomputes every event, to the last field", () => {
    const { lives } = recorded(1);
    checkEvents(lives);
    for (const { agent, events } of lives) ok(events.length > 0, `${agent} told of nothing`);
  });

  it("tells an agent as it was at any moment", () => {
    const { lives } = recorded(1);
    const { segments } = lives[0] as RecordedAgent;
    const whole = replayed(segments);
    const { header, atMs } = whole;
    const untilMs = (header.now + atMs) / 2;
    const then = replayed(segments, { untilMs });
    ok(then.atMs <= untilMs && then.atMs > header.now);
    ok(then.machine.index > 0 && then.machine.index < whole.machine.index);
    deepEqual(replayed(segments, { untilMs }).raft, then.raft);
  });

  it("tells the replicated state and Raft's from any segment on, when those before are gone", () => {
    let later = 0;
    for (const seed of SEEDS)
      for (const { segments: all } of recorded(seed, 10_000).lives) {
        const full = replayed(all);
        for (let from = 1; from < all.length; from++) {
          const rest = replayed(all.slice(from));
          equal(rest.stateHash, full.stateHash);
          // What a leader knows of each follower is told once a second there.
          deepEqual({ ...rest.raft, followers: [] }, { ...full.raft, followers: [] });
          equal(rest.report, null);
          ok(rest.checks > 0);
          later++;
        }
      }
    ok(later > 20, `only ${later} later segments`);
  });

  it("sees a replay that goes another way: with another seed of the agent, its output differs", () => {
    const { segments } = recorded(1).lives[0] as RecordedAgent;
    const [first, ...rest] = segments as [RecordedSegment, ...RecordedSegment[]];
    const config = { ...first.header.config, seed: "another" };
    const other = { header: { ...first.header, config }, records: () => first.records() };
    throws(() => replayed([other, ...rest]), ReplayDiverged);
  });

  it("sees a missing segment", () => {
    const life = recorded(1, 5_000).lives.find((one) => one.segments.length > 2) as RecordedAgent;
    const all = life.segments;
    throws(
      () => replayed([all[0] as RecordedSegment, all[2] as RecordedSegment]),
      /no segment 1, though it has segment 2/,
    );
  });
});
