// Runs of which every agent is recorded, and what every kind of consensus has to keep in such a recording.

import { deepEqual, equal, ok } from "node:assert/strict";
import { simulatedDigest } from "../../server/agent/recording/digests.ts";
import { heldBytes, stateHash } from "../../server/agent/recording/fingerprint.ts";
import {
  type ReplayableSegment,
  type Replayed,
  type ReplayOptions,
  replayLife,
} from "../../server/agent/recording/replay.ts";
import { RecordedSegment } from "../../server/agent/recording/segment.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import type { InspectableAgent } from "../../server/sim/inspectable-agent.ts";
import { SimRecorder } from "../../server/sim/recorder.ts";
import type { SimulateOptions } from "../../server/sim/simulate.ts";

/** One life of one agent, as it was recorded and as it was. */
export interface RecordedAgent {
  readonly agent: string;
  readonly incarnation: number;
  readonly bytes: readonly Uint8Array[];
  readonly segments: readonly RecordedSegment[];
  /** Of the state it had when the run was over. */
  readonly hash: string;
  readonly events: readonly TimelineEvent[];
}

export interface RecordedRun {
  readonly traceHash: string;
  readonly lives: readonly RecordedAgent[];
}

/** What a run has to be given so that it is recorded. */
export type Recording = Required<Pick<SimulateOptions, "createAgent" | "onEvent">>;

export function recordRun(
  run: (recording: Recording) => { readonly traceHash: string },
  segmentBytes?: number,
): RecordedRun {
  const recorder = new SimRecorder(segmentBytes);
  const agents: InspectableAgent[] = [];
  const events = new Map<string, TimelineEvent[]>();
  const { traceHash } = run({
    createAgent: (...given) => {
      const agent = recorder.createAgent(...given);
      agents.push(agent);
      return agent;
    },
    onEvent: (event) => {
      const life = event.id.slice(0, event.id.indexOf(":"));
      const told = events.get(life);
      if (told === undefined) events.set(life, [event]);
      else told.push(event);
    },
  });
  const lives = recorder.finish().map(({ agent, incarnation, segments: bytes }, at): RecordedAgent => {
    const held = heldBytes(agents[at] as InspectableAgent);
    return {
      ...{ agent, incarnation, bytes },
      segments: bytes.map((segment) => RecordedSegment.read(segment) as RecordedSegment),
      hash: stateHash(held),
      events: events.get(`${agent}.${incarnation}`) ?? [],
    };
  });
  return { traceHash, lives };
}

export function replayed(segments: readonly ReplayableSegment[], options: ReplayOptions = {}): Replayed {
  return replayLife(segments, { digests: { simulated: simulatedDigest }, ...options });
}

/** Each life replays to the state it had, and was compared on the way. @throws AssertionError */
export function checkReplay(lives: readonly RecordedAgent[]): void {
  for (const { agent, incarnation, segments, hash } of lives) {
    const then = replayed(segments);
    deepEqual([stateHash(heldBytes(then)), then.failure], [hash, ""], `${agent}.${incarnation}`);
    ok(then.checks > 0);
  }
}

/** Each life's events are recomputed to the last field. @throws AssertionError */
export function checkEvents(lives: readonly RecordedAgent[]): void {
  for (const { segments, events } of lives) {
    const again: TimelineEvent[] = [];
    replayed(segments, { onEvent: (event) => again.push(event) });
    deepEqual(again, events);
  }
}

export interface LaterSegments {
  readonly later: number;
  /** States of other agents among them. */
  readonly installed: number;
}

/**
 * Replays each life from each of its later segments on, as if those before were gone, up to a moment of its own.
 * @throws AssertionError where that comes to something else
 */
export function checkLaterSegments(
  lives: readonly RecordedAgent[],
  untilMsOf: (segments: readonly RecordedSegment[]) => number = () => Number.POSITIVE_INFINITY,
): LaterSegments {
  let [later, installed] = [0, 0];
  for (const { segments } of lives) {
    const untilMs = untilMsOf(segments);
    const full = replayed(segments, { untilMs });
    for (let from = 1; from < segments.length; from++) {
      const rest = replayed(segments.slice(from), { untilMs });
      equal(rest.failure, "");
      equal(stateHash(heldBytes(rest)), stateHash(heldBytes(full)));
      deepEqual(rest.raft, full.raft);
      equal(rest.report, null);
      ok(rest.checks > 0);
      later++;
    }
    for (const segment of segments)
      for (const record of segment.records())
        if (record.type === "appended" && record.batch.snapshot !== undefined) installed++;
  }
  return { later, installed };
}

/** Whatever is cut off a life's end, the rest replays. @throws AssertionError */
export function checkCutOff({ bytes, segments }: RecordedAgent): void {
  const last = bytes.at(-1) as Uint8Array;
  let replays = 0;
  for (let cut = 1; cut < last.length; cut += 97) {
    const rest = RecordedSegment.read(last.subarray(0, last.length - cut));
    if (rest === undefined) break;
    equal(replayed([...segments.slice(0, -1), rest]).failure, "");
    replays++;
  }
  ok(replays > 0, "nothing was cut off");
}
