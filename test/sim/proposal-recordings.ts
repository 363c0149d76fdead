import { ReplayDiverged } from "../../server/agent/recording/replay.ts";
import type { RecordedSegment } from "../../server/agent/recording/segment.ts";
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import { proposalRun, proposingMesh } from "./proposal-trial.ts";
import { type RecordedAgent, recordRun, replayed } from "./recorded-run.ts";

const DURATION_MS = 4000;

/** One life of one agent. */
export interface RecordedVoter extends RecordedAgent {
  /** It had votes ordered that it should not have, which its inputs do not tell. */
  readonly forged: boolean;
}

export function unrecorded(consensus: ConsensusKind, seed: number): string {
  return proposalRun(proposingMesh(consensus), seed, { durationMs: DURATION_MS }).report.traceHash;
}

/** A run under chaos, every agent recorded; with PBFT whoever lies forges votes. */
export function recorded(
  consensus: ConsensusKind,
  seed: number,
  segmentBytes?: number,
): { readonly traceHash: string; readonly lives: readonly RecordedVoter[] } {
  let liars: ReadonlySet<string> = new Set();
  const { traceHash, lives } = recordRun((recording) => {
    const run = proposalRun(proposingMesh(consensus), seed, { durationMs: DURATION_MS, ...recording });
    liars = run.forged.liars;
    return run.report;
  }, segmentBytes);
  return { traceHash, lives: lives.map((life) => ({ ...life, forged: liars.has(life.agent) })) };
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
