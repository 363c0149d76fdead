import type { RecordedSegment } from "../../server/agent/recording/segment.ts";
import { simulate } from "../../server/sim/simulate.ts";
import { changingMesh, countingMesh, gossipMesh } from "./gossip-trial.ts";
import { checkLaterSegments, type LaterSegments, type RecordedRun, recordRun } from "./recorded-run.ts";

const MESH = gossipMesh();
const DURATION_MS = 3000;

export function unrecorded(seed: number): string {
  return simulate(MESH, seed, { durationMs: DURATION_MS }).traceHash;
}

export function recorded(seed: number, segmentBytes?: number): RecordedRun {
  return recordRun((recording) => simulate(MESH, seed, { durationMs: DURATION_MS, ...recording }), segmentBytes);
}

/** Of an agent whose clients count and keep sets. */
export function recordedCounting(seed: number, segmentBytes?: number): RecordedRun {
  const run = { durationMs: DURATION_MS };
  return recordRun((recording) => simulate(countingMesh(), seed, { ...run, ...recording }), segmentBytes);
}

/** Of agents that join and leave. */
export function recordedChanging(seed: number, segmentBytes?: number): RecordedRun {
  const run = { durationMs: DURATION_MS, chaos: true };
  return recordRun((recording) => simulate(changingMesh(), seed, { ...run, ...recording }), segmentBytes);
}

/** Replays from every segment on, as if those before were gone. @throws AssertionError where that comes to something else */
export function replayLater(seeds: readonly number[]): LaterSegments {
  // What it knows of the others changes with every message, and is told after the next turn, which it may not have lived to see.
  return checkLaterSegments(
    seeds.flatMap((seed) => recorded(seed, 10_000).lives),
    lastCheckMs,
  );
}

/** When it was last compared. */
export function lastCheckMs(all: readonly RecordedSegment[]): number {
  const checks = all.flatMap((segment) => [...segment.records()].filter((record) => record.type === "check"));
  return Math.max(...checks.map(({ now }) => now));
}
