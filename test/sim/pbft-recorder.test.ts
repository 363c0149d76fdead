import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { simulatedDigest } from "../../server/agent/recording/digests.ts";
import { stateHash } from "../../server/agent/recording/fingerprint.ts";
import type { RecordingRecord } from "../../server/agent/recording/records.ts";
import {
  type ReplayableSegment,
  ReplayDiverged,
  type Replayed,
  type ReplayOptions,
  replayLife,
} from "../../server/agent/recording/replay.ts";
import { RecordedSegment } from "../../server/agent/recording/segment.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { quickMesh } from "../../server/meshfile/mesh-file.ts";
import { type RecordedLife, SimRecorder } from "../../server/sim/recorder.ts";
import { simulate } from "../../server/sim/simulate.ts";
import type { InspectableAgent } from "../../server/sim/world.ts";

const MESH = quickMesh({ name: "pbft4", agents: 4, topology: "mesh", consensus: "pbft" });
const SEEDS = [1, 2, 3, 5];
const DIGESTS = { simulated: simulatedDigest };

function recorded(
  seed: number,
  segmentBytes?: number,
  onEvent?: (event: TimelineEvent) => void,
): { readonly lives: readonly RecordedLife[]; readonly hashes: readonly string[]; readonly traceHash: string } {
  const recorder = new SimRecorder(segmentBytes);
  const agents: InspectableAgent[] = [];
  const { traceHash } = simulate(MESH, seed, {
    durationMs: 4000,
    createAgent: (...given) => {
      const agent = recorder.createAgent(...given);
      agents.push(agent);
      return agent;
    },
    ...(onEvent && { onEvent }),
  });
  return { lives: recorder.finish(), hashes: agents.map(({ machine }) => stateHash(machine.snapshot())), traceHash };
}

function segments({ segments: all }: RecordedLife): RecordedSegment[] {
  return all.map((bytes) => RecordedSegment.read(bytes) as RecordedSegment);
}

function replayed(all: readonly ReplayableSegment[], options: ReplayOptions = {}): Replayed {
  return replayLife(all, { digests: DIGESTS, ...options });
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

  it("tells the replicated state and PBFT's from any segment on, when those before are gone", () => {
    let [later, installed] = [0, 0];
    for (const seed of SEEDS)
      for (const life of recorded(seed, 10_000).lives) {
        const all = segments(life);
        const full = replayed(all);
        for (let from = 1; from < all.length; from++) {
          const rest = replayed(all.slice(from));
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
    ok(later > 40, `only ${later} later segments`);
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

  it("sees an answer that is missing, one too many, and another verdict", () => {
    const [first] = segments(recorded(2).lives[0] as RecordedLife) as [RecordedSegment];
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
    const all = segments(recorded(2).lives[0] as RecordedLife);
    throws(
      () => replayed(all, { digests: { simulated: (bytes) => simulatedDigest(bytes).reverse() } }),
      ReplayDiverged,
    );
    throws(() => replayLife(all), /digests made with simulated/);
  });
});
