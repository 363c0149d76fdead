import { type AgentId, type Entry, EntryKind } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import type { RaftState } from "./state.ts";
import type { RaftMessage } from "./types.ts";

type MessageOf<Type extends RaftMessage["type"]> = Extract<RaftMessage, { readonly type: Type }>;

/** The follower's half of replication (§5.3). The message is of this term and its sender is this term's leader. */
export function handleAppend(state: RaftState, from: AgentId, message: MessageOf<"append">): void {
  const { prevIndex, prevTerm, entries } = message;
  if (!sensible(message)) return;
  const log = state.log;
  // What a snapshot stands for is committed, so that it is the same everywhere (§7).
  if (prevIndex >= log.firstIndex - 1 && !log.matches(prevIndex, prevTerm)) {
    refuseAppend(state, from, prevIndex, prevTerm);
    return;
  }
  const firstNew = firstIndexToTake(state, prevIndex, entries);
  if (firstNew <= log.lastIndex) truncate(state, firstNew);
  if (firstNew <= prevIndex + entries.length)
    state.append(firstNew === prevIndex + 1 ? entries : entries.slice(firstNew - prevIndex - 1));
  const matched = prevIndex + entries.length;
  const commit = Math.min(message.commit, matched);
  // An append that only tells of a commit needs no answer, where what it follows on has been acknowledged.
  const news = commit > state.commit && entries.length === 0 && matched <= state.ackedIndex;
  if (!news && matched > state.ackIndex) state.ackIndex = matched;
  state.commitTo(commit, NOBODY);
}

/** The commit index in a heartbeat never passes what this agent acknowledged as durable. */
export function handleHeartbeat(state: RaftState, from: AgentId, message: MessageOf<"heartbeat">): void {
  invariant(message.commit <= state.log.lastIndex, "what was acknowledged as durable is still in the log");
  state.commitTo(message.commit, NOBODY);
  state.send(from, { type: "heartbeatReply", term: state.term, round: message.round });
}

const NOBODY: readonly AgentId[] = [];

/** Consecutive, terms not falling and not beyond the sender's: anything else cannot come from a leader and is ignored. */
function sensible(message: MessageOf<"append">): boolean {
  let index = message.prevIndex;
  let term = message.prevTerm;
  for (const entry of message.entries) {
    if (entry.index !== ++index || entry.term < term) return false;
    if (entry.kind > EntryKind.configuration) return false;
    term = entry.term;
  }
  return term <= message.term;
}

/** The first index that is not in the log yet as the leader has it. */
function firstIndexToTake(state: RaftState, prevIndex: number, entries: readonly Entry[]): number {
  const log = state.log;
  for (const entry of entries) {
    if (entry.index < log.firstIndex) continue;
    if (entry.index > log.lastIndex || !log.matches(entry.index, entry.term)) return entry.index;
  }
  // All there: nothing to take, and what follows in the log may be later than this append.
  return Math.max(log.lastIndex, prevIndex + entries.length) + 1;
}

function truncate(state: RaftState, index: number): void {
  invariant(index > state.commit, "committed entries are never replaced");
  invariant(index > state.ackIndex, "a leader does not take back what it sent");
  state.flushAppended();
  state.observe({ type: "truncated", term: state.term, fromIndex: index - 1, toIndex: state.log.lastIndex });
  state.durability.truncated(index);
  state.log.truncate(index);
  state.members.truncated(index);
}

/** Tells how far back the leader may jump: nothing of a term above `prevTerm` can agree with what it has there. */
function refuseAppend(state: RaftState, from: AgentId, prevIndex: number, prevTerm: number): void {
  const log = state.log;
  invariant(prevIndex > state.commit, "a leader has all that is committed");
  const index = log.lastIndexOfTermAtMost(Math.min(prevIndex - 1, log.lastIndex), prevTerm);
  const hintTerm = log.termAt(index) as number;
  state.send(from, { type: "appendReply", term: state.term, accepted: false, index, hintTerm });
}
