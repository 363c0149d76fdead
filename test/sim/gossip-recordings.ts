import { deepEqual, equal, ok } from "node:assert/strict";
import { simulatedDigest } from "../../server/agent/recording/digests.ts";
import { stateHash } from "../../server/agent/recording/fingerprint.ts";
import {
  type ReplayableSegment,
  type Replayed,
  type ReplayOptions,
  replayLife,
} from "../../server/agent/recording/replay.ts";
import { RecordedSegment } from "../../server/agent/recording/segment.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { type RecordedLife, SimRecorder } from "../../server/sim/recorder.ts";
import { simulate } from "../../server/sim/simulate.ts";
import type { InspectableAgent } from "../../server/sim/world.ts";
import { gossipMesh } from "./gossip-trial.ts";

export const MESH = gossipMesh();
export const SEEDS = [1, 2, 3];
export const DURATION_MS = 3000;
const DIGESTS = { simulated: simulatedDigest };

export function recorded(
  seed: number,
  segmentBytes?: number,
  onEvent?: (event: TimelineEvent) => void,
): { readonly lives: readonly RecordedLife[]; readonly hashes: readonly string[]; readonly traceHash: string } {
  const recorder = new SimRecorder(segmentBytes);
  const agents: InspectableAgent[] = [];
  const { traceHash } = simulate(MESH, seed, {
    durationMs: DURATION_MS,
    createAgent: (...given) => {
      const agent = recorder.createAgent(...given);
      agents.push(agent);
      return agent;
    },
    ...(onEvent && { onEvent }),
  });
  return { lives: recorder.finish(), hashes: agents.map(({ machine }) => stateHash(machine.snapshot())), traceHash };
}

export function segments({ segments: all }: RecordedLife): RecordedSegment[] {
  return all.map((bytes) => RecordedSegment.read(bytes) as RecordedSegment);
}

export function replayed(all: readonly ReplayableSegment[], options: ReplayOptions = {}): Replayed {
  return replayLife(all, { digests: DIGESTS, ...options });
}

/** When it was last compared. */
function lastCheckMs(all: readonly RecordedSegment[]): number {
  const checks = all.flatMap((segment) => [...segment.records()].filter((record) => record.type === "check"));
  return Math.max(...checks.map(({ now }) => now));
}

export interface LaterSegments {
  readonly later: number;
  /** States of other agents among them. */
  readonly installed: number;
}

/** Replays from every segment on, as if those before were gone. @throws AssertionError where that comes to something else */
export function replayLater(seeds: readonly number[]): LaterSegments {
  let [later, installed] = [0, 0];
  for (const seed of seeds)
    for (const life of recorded(seed, 10_000).lives) {
      const all = segments(life);
      // What it knows of the others changes with every message, and is told after the next turn, which it may not have lived to see.
      const untilMs = lastCheckMs(all);
      const full = replayed(all, { untilMs });
      for (let from = 1; from < all.length; from++) {
        const rest = replayed(all.slice(from), { untilMs });
        equal(rest.failure, "");
        equal(rest.stateHash, full.stateHash);
        deepEqual(rest.raft, full.raft);
        equal(rest.report, null);
        ok(rest.checks > 0);
        later++;
      }
      for (const segment of all)
        for (const record of segment.records())
          if (record.type === "appended" && record.batch.snapshot !== undefined) installed++;
    }
  return { later, installed };
}
