import { simulatedDigest } from "../../server/agent/recording/digests.ts";
import { stateHash } from "../../server/agent/recording/fingerprint.ts";
import { ReplayDiverged, type Replayed, type ReplayOptions, replayLife } from "../../server/agent/recording/replay.ts";
import { RecordedSegment } from "../../server/agent/recording/segment.ts";
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { type RecordedLife, SimRecorder } from "../../server/sim/recorder.ts";
import type { InspectableAgent } from "../../server/sim/world.ts";
import { proposalRun, proposingMesh } from "./proposal-trial.ts";

const DURATION_MS = 4000;

/** One life of one agent, as it was recorded and as it was. */
export interface RecordedVoter {
  readonly agent: string;
  readonly segments: readonly RecordedSegment[];
  /** Of the state it had when the run was over. */
  readonly hash: string;
  readonly events: readonly TimelineEvent[];
  /** It had votes ordered that it should not have, which its inputs do not tell. */
  readonly forged: boolean;
}

export interface RecordedRun {
  readonly traceHash: string;
  readonly lives: readonly RecordedVoter[];
}

export function replayed(segments: readonly RecordedSegment[], options: ReplayOptions = {}): Replayed {
  return replayLife(segments, { digests: { simulated: simulatedDigest }, ...options });
}

export function unrecorded(consensus: ConsensusKind, seed: number): string {
  return proposalRun(proposingMesh(consensus), seed, { durationMs: DURATION_MS }).report.traceHash;
}

/** A run under chaos, every agent recorded; with PBFT whoever lies forges votes. */
export function recorded(consensus: ConsensusKind, seed: number, segmentBytes?: number): RecordedRun {
  const recorder = new SimRecorder(segmentBytes);
  const agents: InspectableAgent[] = [];
  const events = new Map<string, TimelineEvent[]>();
  const { report, forged } = proposalRun(proposingMesh(consensus), seed, {
    durationMs: DURATION_MS,
    createAgent: (...given) => {
      const agent = recorder.createAgent(...given);
      agents.push(agent);
      return agent;
    },
    onEvent: (event) => {
      const life = event.id.slice(0, event.id.indexOf(":"));
      events.set(life, [...(events.get(life) ?? []), event]);
    },
  });
  const lives = recorder.finish().map(({ agent, incarnation, segments }: RecordedLife, at): RecordedVoter => {
    const { machine } = agents[at] as InspectableAgent;
    return {
      agent,
      segments: segments.map((bytes) => RecordedSegment.read(bytes) as RecordedSegment),
      hash: stateHash(machine.snapshot()),
      events: events.get(`${agent}.${incarnation}`) ?? [],
      forged: forged.liars.has(agent),
    };
  });
  return { traceHash: report.traceHash, lives };
}

export interface LaterSegments {
  /** Replays that began in the middle of a life. */
  readonly replays: number;
  /** Of those, with votes in what they were told that were refused for their signature. */
  readonly withForgedVotes: number;
  /** What the first one that went another way said; "": none did. */
  readonly problem: string;
}

/** Replays each life from each of its segments but the first on. */
export function fromLaterSegments(consensus: ConsensusKind, seed: number): LaterSegments {
  const found = { replays: 0, withForgedVotes: 0, problem: "" };
  for (const { agent, segments, hash, events } of recorded(consensus, seed, 10_000).lives)
    for (let from = 1; from < segments.length; from++) {
      const rest = segments.slice(from);
      const beganMs = rest[0]?.header.now as number;
      const refused = events.some(
        ({ kind, hlc, fields }) =>
          kind === "voteNotTaken" && fields.reason === "badSignature" && hlc.wallMs > beganMs + HLC_AHEAD_MS,
      );
      found.replays++;
      if (refused) found.withForgedVotes++;
      const problem = problemOf(rest, hash);
      if (problem !== "" && found.problem === "") found.problem = `${agent} from segment ${from} on: ${problem}`;
    }
  return found;
}

/** An event's clock may be that of an agent that is ahead, so much at most. */
const HLC_AHEAD_MS = 1000;

function problemOf(segments: readonly RecordedSegment[], hash: string): string {
  try {
    const { stateHash: found, failure } = replayed(segments);
    if (failure !== "") return failure;
    return found === hash ? "" : `its state is ${found}, and was ${hash}`;
  } catch (error) {
    if (error instanceof ReplayDiverged) return error.message;
    throw error;
  }
}
