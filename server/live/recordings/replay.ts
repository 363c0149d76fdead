import { type Digest, type DigestName, simulatedDigest } from "../../agent/recording/digests.ts";
import type { RecordingRecord } from "../../agent/recording/records.ts";
import { type ReplayableSegment, type Replayed, type ReplayOptions, replayLife } from "../../agent/recording/replay.ts";
import { sha256 } from "../sha256.ts";
import { named, type RecordedStretch, type RecordingsFound } from "./read.ts";

const DIGESTS: Readonly<Record<DigestName, Digest>> = { sha256, simulated: simulatedDigest };

/** An agent at a moment: undefined when nothing of it was recorded before that. @throws RecordingProblem; ReplayDiverged */
export function replayAgent(
  { stretches }: RecordingsFound,
  agent: string,
  options: ReplayOptions = {},
): Replayed | undefined {
  const { untilMs = Number.POSITIVE_INFINITY } = options;
  const then = stretches.findLast((stretch) => stretch.agent === agent && stretch.fromMs <= untilMs);
  return then === undefined ? undefined : replayStretch(then, options);
}

/** @throws RecordingProblem; ReplayDiverged */
export function replayStretch({ files }: RecordedStretch, options: ReplayOptions = {}): Replayed {
  let reading = files[0]?.path ?? "";
  const segments = files.map(
    ({ path, segment }): ReplayableSegment => ({
      header: segment.header,
      *records(): IterableIterator<RecordingRecord> {
        reading = path;
        yield* segment.records();
      },
    }),
  );
  try {
    return replayLife(segments, { digests: DIGESTS, ...options });
  } catch (error) {
    throw named(reading, error);
  }
}
