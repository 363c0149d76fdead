import type { ConsensusStatus } from "../core/consensus.ts";
import type { DetectorFigures, Member } from "../core/membership/types.ts";
import type { Broadcasting } from "./broadcasting.ts";
import { kindOf } from "./consensus/kind.ts";
import { detectorKindOf } from "./detector.ts";
import type { MemoryReplica } from "./memory-replica.ts";
import type { DecisionMetrics } from "./metrics.ts";
import type { Neighbours } from "./neighbours.ts";
import type { Side } from "./side.ts";
import type { AgentConfig, CoreReport } from "./types.ts";

export interface ReportSources {
  readonly config: AgentConfig;
  readonly startedMs: number;
  readonly status: ConsensusStatus;
  /** The last entry applied. */
  readonly applied: number;
  readonly neighbours: Pick<Neighbours, "metrics" | "reputation">;
  readonly members: readonly Member[];
  readonly detector: DetectorFigures;
  readonly side: Side;
  readonly decisions: DecisionMetrics;
  readonly tasksRunning: number;
  /** Of a memory beside the consensus. */
  readonly memory: MemoryReplica | undefined;
  /** Of an agent that broadcasts. */
  readonly broadcasting: Broadcasting | undefined;
}

/** What an agent says of itself. Takes the samples collected since the last one. */
export function coreReport(sources: ReportSources, now: number): CoreReport {
  const { config, startedMs, status, applied, neighbours, members, detector, side, decisions, tasksRunning } = sources;
  const { broadcasting } = sources;
  const broadcasts = broadcasting?.report();
  const { role, term, leader, commit, lastIndex, durableIndex, snapshotIndex, firstIndex, configuration } = status;
  return {
    agent: config.id,
    incarnation: config.incarnation,
    atMs: now,
    upMs: now - startedMs,
    role,
    term,
    leader,
    commit,
    applied,
    lastIndex,
    durableIndex,
    voters: configuration.voters,
    learners: configuration.learners,
    outgoing: configuration.outgoing,
    snapshotIndex,
    firstIndex,
    links: Array.from(neighbours.metrics, ([peer, link]) => {
      const tree = broadcasting?.pushesTo(peer);
      return tree === undefined ? link.report(peer) : { ...link.report(peer), tree };
    }),
    members: members.map(({ id, state, sinceMs }) => ({ id, state, sinceMs })),
    reputations: members.flatMap(({ id }) =>
      id === config.id ? [] : [{ peer: id, ...neighbours.reputation.of(id, now) }],
    ),
    messagesOut: decisions.messagesOut,
    messagesIn: decisions.messagesIn,
    electionsStarted: decisions.electionsStarted,
    electionsWon: decisions.electionsWon,
    votesGranted: decisions.votesGranted,
    votesRefused: decisions.votesRefused,
    committedAsLeader: decisions.committedAsLeader,
    decisionLatenciesMs: decisions.takeLatenciesMs(),
    ackParticipation: decisions.takeAckParticipation(),
    tasksRunning,
    slots: config.slots,
    detector: { kind: detectorKindOf(config), ...detector },
    partition: side.report(now),
    ...kindOf(config).report(status),
    ...(sources.memory && { memory: sources.memory.report() }),
    ...(broadcasts && { broadcasts }),
  };
}
