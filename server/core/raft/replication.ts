import type { AgentId, Entry, EntryKind, Snapshot } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import { makeEntry } from "./log.ts";
import type { Progress } from "./progress.ts";
import type { Reads } from "./reads.ts";
import { formPart } from "./snapshots.ts";
import type { RaftState } from "./state.ts";
import type { RaftMessage } from "./types.ts";

type MessageOf<Type extends RaftMessage["type"]> = Extract<RaftMessage, { readonly type: Type }>;

const NO_ENTRIES: readonly Entry[] = [];

/** The leader's half of replication (§5.3, §5.4.2; thesis §10.2.1). */

export function appendAsLeader(state: RaftState, kind: EntryKind, data: Uint8Array): void {
  const log = state.log;
  const timeMs = Math.max(log.lastTimeMs, Math.floor(state.now));
  state.append([makeEntry(log.lastIndex + 1, state.term, kind, timeMs, data)]);
  state.uncommittedBytes += data.length;
}

/** One append to each follower that lacks something, as far as flow control allows; or a part of a snapshot, where the log no longer has it. */
export function formAppends(state: RaftState): void {
  const { log, commit } = state;
  const last = log.lastIndex;
  state.moreToSend = false;
  let shared = NO_ENTRIES;
  let lacking = false;
  for (const follower of state.followers) {
    if (follower.state !== "snapshot" && follower.next < log.firstIndex) sendSnapshot(state, follower);
    if (follower.state === "snapshot") {
      formPart(state, follower);
      continue;
    }
    if (!wantsAppend(follower, last) && !wantsNotice(state, follower)) {
      lacking ||= follower.lacksCommit(commit);
      continue;
    }
    let entries = NO_ENTRIES;
    if (follower.next <= last && !(follower.state === "replicate" && follower.inflightFull)) {
      // Followers in step get the same entries.
      if (shared[0]?.index !== follower.next) shared = log.sliceBytes(follower.next, state.config.maxAppendBytes);
      entries = shared;
    }
    const prevIndex = follower.next - 1;
    const prevTerm = log.termAt(prevIndex) as number;
    state.send(follower.id, { type: "append", term: state.term, prevIndex, prevTerm, commit, entries });
    follower.commitSent = Math.min(commit, prevIndex + entries.length);
    follower.sent(entries.length, bytesOf(entries, follower), state.beat);
    if (follower.state === "replicate" && follower.next <= last && !follower.inflightFull) state.moreToSend = true;
  }
  state.commitNoticeDue = false;
  if (!lacking) state.commitNoticeAt = Number.POSITIVE_INFINITY;
  else if (state.commitNoticeAt === Number.POSITIVE_INFINITY)
    state.commitNoticeAt = state.now + (state.config.commitNoticeMs ?? 0);
}

/** What is in flight is counted only where it is limited. */
function bytesOf(entries: readonly Entry[], follower: Progress): number {
  if (follower.state !== "replicate") return 0;
  let bytes = 0;
  for (const { data } of entries) bytes += data.length;
  return bytes;
}

function sendSnapshot(state: RaftState, follower: Progress): void {
  const snapshot = state.snapshot as Snapshot;
  invariant(snapshot?.index >= state.log.firstIndex - 1, "a snapshot stands for all that the log no longer has");
  follower.becomeSnapshot(snapshot);
  const { index, data } = snapshot;
  state.observe({ type: "snapshotSending", term: state.term, to: follower.id, index, bytes: data.length });
}

function wantsAppend(follower: Progress, last: number): boolean {
  if (follower.state === "probe") return !follower.probeSent;
  return (follower.next <= last && !follower.inflightFull) || follower.askAgain;
}

/** Whether an append without entries is to tell of a commit: the next one with entries would, but nobody knows when it comes. */
function wantsNotice({ commit, commitNoticeDue, config }: RaftState, follower: Progress): boolean {
  if (!follower.lacksCommit(commit)) return false;
  return commitNoticeDue || config.commitNoticeMs === undefined || follower.awaitedIndex > follower.commitSent;
}

/** They confirm the reads of this round. */
export function formHeartbeats(state: RaftState, reads: Reads): void {
  state.heartbeatDue = false;
  reads.nextBeat(state);
  const { round } = reads;
  const { heartbeatMs } = state.config;
  state.heartbeatAt = state.now + heartbeatMs;
  if (state.now >= state.beatMs + heartbeatMs) {
    state.beatMs = state.now;
    state.beat++;
  }
  // A follower commits what a heartbeat says without comparing logs, so that it may say only what is known to match.
  if (state.config.reads === "lease") noteBeat(state, round);
  for (const { id, match } of state.followers)
    state.send(id, { type: "heartbeat", term: state.term, commit: Math.min(state.commit, match), round });
}

/** A lease counts from when the heartbeats left that were answered. */
function noteBeat({ beats, now }: RaftState, round: number): void {
  beats.push({ round, ms: now });
  if (beats.length > MAX_BEATS) beats.shift();
}

/** More rounds than are ever under way. */
const MAX_BEATS = 64;

export function handleAppendReply(state: RaftState, follower: Progress, message: MessageOf<"appendReply">): void {
  follower.heardMs = state.now;
  if (message.accepted) {
    if (message.index > state.log.lastIndex) return;
    if (follower.acknowledged(message.index)) state.acksToCount = true;
    return;
  }
  if (message.index < state.log.firstIndex - 1) {
    // It has nothing that this log could follow on. Below what it acknowledged it is late news.
    if (message.index >= follower.match && follower.state !== "snapshot" && follower.match < state.log.firstIndex - 1)
      sendSnapshot(state, follower);
    return;
  }
  // Jump over all of the follower's last term at once (§5.3, end): the logs cannot agree after what both hints allow.
  const agreed = state.log.lastIndexOfTermAtMost(message.index, message.hintTerm);
  const next = Math.max(agreed, follower.match) + 1;
  // A refusal of what is on its way now always leads back; one that does not, or that is below what was acknowledged, is late.
  if (follower.state === "snapshot" || message.index < follower.match || next >= follower.next) return;
  follower.becomeProbe(next);
}

export function handleHeartbeatReply(state: RaftState, follower: Progress, message: MessageOf<"heartbeatReply">): void {
  follower.heardMs = state.now;
  if (message.round >= follower.ackedRound) {
    follower.ackedRound = message.round;
    if (state.config.reads === "lease")
      follower.ackedBeatMs = state.beats.find(({ round }) => round === message.round)?.ms ?? follower.ackedBeatMs;
  }
  // What left before the heartbeat should have been answered before it. Then it was lost, or waits for a slow disk: asking is cheap.
  if (follower.sentAtBeat === state.beat || follower.match === state.log.lastIndex) return;
  follower.probeSent = false;
  follower.askAgain = true;
}

/** Commits what a majority holds durably, if it is of this term (§5.4.2). The leader counts itself for what is durable here. */
export function advanceCommit(state: RaftState): void {
  state.acksToCount = false;
  const { log } = state;
  const index = state.reached(state.durability.index, (follower) => follower.match);
  if (index <= state.commit || log.termAt(index) !== state.term) return;
  state.uncommittedBytes -= log.bytesOfTerm(state.commit + 1, index, state.term);
  const acks: AgentId[] = [];
  for (const { id, match } of state.members.voters) if (match >= index) acks.push(id);
  if (state.members.selfVotes && state.durability.index >= index) acks.push(state.id);
  state.commitTo(index, acks.sort());
}
