import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { simulatedDigest } from "../../server/agent/recording/digests.ts";
import { stateHash } from "../../server/agent/recording/fingerprint.ts";
import {
  type ReplayableSegment,
  ReplayDiverged,
  type Replayed,
  type ReplayOptions,
  replayLife,
} from "../../server/agent/recording/replay.ts";
import { RecordedSegment } from "../../server/agent/recording/segment.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { type RecordedLife, SimRecorder } from "../../server/sim/recorder.ts";
import { simulate } from "../../server/sim/simulate.ts";
import type { InspectableAgent } from "../../server/sim/world.ts";
import { meshOf } from "./meshes.ts";

const SEEDS = [1, 2, 3, 4, 5];

interface Recorded {
  readonly lives: readonly RecordedLife[];
  /** Events of the run as they happened, by life. */
  readonly events: ReadonlyMap<string, readonly TimelineEvent[]>;
  /** Of each life's agent, when the run was over. */
  readonly hashes: readonly string[];
}

function recorded(seed: number, segmentBytes?: number): Recorded {
  const recorder = new SimRecorder(segmentBytes);
  const agents: InspectableAgent[] = [];
  const events = new Map<string, TimelineEvent[]>();
  simulate(meshOf(5), seed, {
    durationMs: 4000,
    createAgent: (...given) => {
      const agent = recorder.createAgent(...given);
      agents.push(agent);
      return agent;
    },
    onEvent: (event) => {
      const life = event.id.slice(0, event.id.indexOf(":"));
      const list = events.get(life);
      if (list === undefined) events.set(life, [event]);
      else list.push(event);
    },
  });
  return { lives: recorder.finish(), events, hashes: agents.map(({ machine }) => stateHash(machine.snapshot())) };
}

function segments({ segments: all }: RecordedLife): RecordedSegment[] {
  return all.map((bytes) => RecordedSegment.read(bytes) as RecordedSegment);
}

function replayed(all: readonly ReplayableSegment[], options: ReplayOptions = {}): Replayed {
  return replayLife(all, { digests: { simulated: simulatedDigest }, ...options });
}

function whole(life: RecordedLife): Replayed {
  return replayed(segments(life));
}

describe("recording of a simulated agent", function () {
  this.timeout(60_000);

  it("changes nothing: the trace hash is that of the same run without it", () => {
    for (const seed of SEEDS)
      equal(
        simulate(meshOf(5), seed, { durationMs: 4000, createAgent: new SimRecorder(20_000).createAgent }).traceHash,
        simulate(meshOf(5), seed, { durationMs: 4000 }).traceHash,
      );
  });

  it("replays every life to the state it had, comparing on the way", () => {
    for (const seed of SEEDS) {
      const { lives, hashes } = recorded(seed);
      ok(lives.length >= 5);
      lives.forEach((life, at) => {
        const then = whole(life);
        equal(then.stateHash, hashes[at], `${life.agent}.${life.incarnation} of seed ${seed}`);
        equal(then.failure, "");
        ok(then.checks > 0);
      });
    }
  });

  it("recomputes every event, to the last field", () => {
    const { lives, events } = recorded(1);
    for (const life of lives) {
      const again: TimelineEvent[] = [];
      replayed(segments(life), { onEvent: (event) => again.push(event) });
      deepEqual(again, events.get(`${life.agent}.${life.incarnation}`));
    }
  });

  it("tells an agent as it was at any moment", () => {
    const { lives } = recorded(1);
    const life = lives[0] as RecordedLife;
    const { header, atMs } = whole(life);
    const untilMs = (header.now + atMs) / 2;
    const then = replayed(segments(life), { untilMs });
    ok(then.atMs <= untilMs && then.atMs > header.now);
    ok(then.machine.index > 0 && then.machine.index < whole(life).machine.index);
    deepEqual(replayed(segments(life), { untilMs }).raft, then.raft);
  });

  it("tells the replicated state and Raft's from any segment on, when those before are gone", () => {
    let later = 0;
    for (const seed of SEEDS)
      for (const life of recorded(seed, 10_000).lives) {
        const all = segments(life);
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
    const life = recorded(1).lives[0] as RecordedLife;
    const [first, ...rest] = segments(life) as [RecordedSegment, ...RecordedSegment[]];
    const config = { ...first.header.config, seed: "another" };
    const other = { header: { ...first.header, config }, records: () => first.records() };
    throws(() => replayed([other, ...rest]), ReplayDiverged);
  });

  it("sees a missing segment", () => {
    const life = recorded(1, 5_000).lives.find((one) => one.segments.length > 2) as RecordedLife;
    const all = segments(life);
    throws(
      () => replayed([all[0] as RecordedSegment, all[2] as RecordedSegment]),
      /no segment 1, though it has segment 2/,
    );
  });
});
