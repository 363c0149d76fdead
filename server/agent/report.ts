import type { AgentId, ConsensusStatus } from "../core/consensus.ts";
import type { Member } from "../core/membership/types.ts";
import { kindOf } from "./consensus/kind.ts";
import type { DecisionMetrics, LinkMetrics } from "./metrics.ts";
import type { AgentConfig, CoreReport } from "./types.ts";

export interface ReportSources {
  readonly config: AgentConfig;
  readonly startedMs: number;
  readonly status: ConsensusStatus;
  /** The last entry applied. */
  readonly applied: number;
  readonly links: ReadonlyMap<AgentId, LinkMetrics>;
  readonly members: readonly Member[];
  readonly decisions: DecisionMetrics;
  readonly tasksRunning: number;
}

/** What an agent says of itself. Takes the samples collected since the last one. */
export function coreReport(sources: ReportSources, now: number): CoreReport {
  const { config, startedMs, status, applied, links, members, decisions, tasksRunning } = sources;
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
    links: Array.from(links, ([peer, link]) => link.report(peer)),
    members: members.map(({ id, state, sinceMs }) => ({ id, state, sinceMs })),
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
    ...kindOf(config).report(status),
  };
}
