import type { AgentId, TransferRefusal } from "../consensus.ts";
import { best } from "./membership.ts";
import type { RaftState } from "./state.ts";

/**
 * Handing the leadership over (thesis §3.10): the leader takes no more proposals, brings the other's log up to its own, and tells it to campaign at once. If it does not
 * lead within an election timeout, this leader goes on.
 */
export function transferLeadership(
  state: RaftState,
  to: AgentId | undefined,
): { readonly ok: true; readonly to: AgentId } | { readonly ok: false; readonly reason: TransferRefusal } {
  if (state.role !== "leader") return { ok: false, reason: "notLeader" };
  if (to === state.id) return { ok: false, reason: "alreadyLeader" };
  if (state.transfer !== undefined) return { ok: false, reason: "transferPending" };
  // Who is leaving, in a joint phase, is not handed what it will have to give back.
  const { voters } = state.members.configuration;
  const heirs = state.members.voters.filter(({ id }) => voters.includes(id));
  const heir = to === undefined ? best(heirs) : heirs.find(({ id }) => id === to);
  if (heir === undefined) return { ok: false, reason: to === undefined ? "nobodyElse" : "notVoter" };
  state.transfer = { to: heir.id, deadlineMs: state.now + state.config.electionTimeoutMaxMs, asked: false };
  state.observe({ type: "leadershipTransferStarted", term: state.term, to: heir.id });
  return { ok: true, to: heir.id };
}

/** Leader, once a turn: whether the other is ready. */
export function settleTransfer(state: RaftState): void {
  const { transfer } = state;
  if (transfer === undefined || transfer.asked) return;
  const heir = state.peer(transfer.to);
  if (heir === undefined || heir.learner) endTransfer(state, false);
  else if (heir.match === state.log.lastIndex) {
    transfer.asked = true;
    askToCampaign(state, heir.id);
  }
}

/** It may campaign at any time from now on, also much later: no lease of this term holds any more (§6.4.1). */
export function askToCampaign(state: RaftState, to: AgentId): void {
  state.leaseVoid = true;
  state.send(to, { type: "timeoutNow", term: state.term });
}

export function endTransfer(state: RaftState, ok: boolean): void {
  const { transfer } = state;
  if (transfer === undefined) return;
  state.transfer = undefined;
  state.observe({ type: "leadershipTransferEnded", term: state.term, to: transfer.to, ok });
}
