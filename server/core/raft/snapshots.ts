import { joinBytes } from "../bytes.ts";
import type { AgentId, Configuration, Entry, Snapshot } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import { MAX_SNAPSHOT_BYTES } from "./limits.ts";
import type { Progress } from "./progress.ts";
import type { RaftState } from "./state.ts";
import type { RaftMessage } from "./types.ts";

type MessageOf<Type extends RaftMessage["type"]> = Extract<RaftMessage, { readonly type: Type }>;

/**
 * Snapshots (§7; thesis, chapter 5): the state machine's state after an entry stands for that entry and all before it. A leader sends its latest to a follower that
 * lacks what its log no longer has, one part after the other; each answer says how much is there, so that a lost, repeated or overtaken part costs no
 * more than that part, and a new leader with the same snapshot goes on where the old one ended. Equal states give equal bytes, so that index, term
 * and size name a snapshot.
 */

/** What has come of one so far. */
export interface IncomingSnapshot {
  readonly index: number;
  readonly term: number;
  readonly configuration: Configuration;
  readonly totalBytes: number;
  /** In order, without gaps. Only what has come takes room, whatever its sender says is to come. */
  readonly parts: Uint8Array[];
  held: number;
}

const DEFAULT_KEPT_ENTRIES = 1024;
const DEFAULT_KEPT_BYTES = 8 * 1024 * 1024;
const DEFAULT_CHUNK_BYTES = 256 * 1024;

/**
 * The state machine's state after `index`, which was given out as committed. None is taken as long as nobody has said who the members were then: an agent that joins
 * begins without knowing, and who installs a snapshot has its members from there alone.
 */
export function compact(state: RaftState, index: number, data: Uint8Array): void {
  const { log, members } = state;
  invariant(index <= state.commit && index <= log.lastIndex, "only what is committed is compacted");
  if (index <= (state.snapshot?.index ?? 0)) return;
  const configuration = members.at(index);
  if (configuration.voters.length === 0) return;
  const term = log.termAt(index) as number;
  const snapshot: Snapshot = { index, term, configuration, data };
  state.snapshot = snapshot;
  state.durability.compacted(snapshot);
  members.compacted(index);
  state.observe({ type: "snapshotTaken", term: state.term, index, bytes: data.length });
  const before = firstKept(state, index) - 1;
  if (before < log.firstIndex) return;
  log.compact(before);
  state.observe({ type: "compacted", term: state.term, index: before });
}

/** Of the entries that a snapshot stands for, the first one to stay in memory: so many, and so many bytes, at most. */
function firstKept({ log, config }: RaftState, index: number): number {
  const { keepEntries = DEFAULT_KEPT_ENTRIES, keepBytes = DEFAULT_KEPT_BYTES } = config;
  const first = Math.max(log.firstIndex, index - keepEntries + 1);
  const entries = log.slice(first, index);
  let bytes = 0;
  for (let at = entries.length - 1; at >= 0; at--) {
    bytes += (entries[at] as Entry).data.length;
    if (bytes > keepBytes) return first + at + 1;
  }
  return first;
}

/** Leader: the next part, unless one is out. */
export function formPart(state: RaftState, follower: Progress): void {
  if (follower.probeSent) return;
  const { index, term, configuration, data } = follower.snapshot as Snapshot;
  const offset = follower.snapshotOffset;
  const end = Math.min(data.length, offset + (state.config.maxSnapshotChunkBytes ?? DEFAULT_CHUNK_BYTES));
  follower.sentPart(state.beat);
  state.send(follower.id, {
    type: "installSnapshot",
    term: state.term,
    snapshotIndex: index,
    snapshotTerm: term,
    configuration,
    totalBytes: data.length,
    offset,
    data: data.subarray(offset, end),
  });
}

export function handleInstallSnapshotReply(
  state: RaftState,
  follower: Progress,
  message: MessageOf<"installSnapshotReply">,
): void {
  follower.heardMs = state.now;
  if (message.done) {
    if (message.snapshotIndex <= state.log.lastIndex && follower.acknowledged(message.snapshotIndex))
      state.acksToCount = true;
    return;
  }
  if (follower.state !== "snapshot" || follower.snapshot?.index !== message.snapshotIndex) return;
  if (message.offset > follower.snapshot.data.length) return;
  follower.snapshotOffset = message.offset;
  follower.probeSent = false;
}

/** Follower. The message is of this term and its sender is this term's leader. */
export function handleInstallSnapshot(state: RaftState, from: AgentId, message: MessageOf<"installSnapshot">): void {
  const { snapshotIndex: index, snapshotTerm: term, totalBytes, offset, data } = message;
  if (totalBytes > MAX_SNAPSHOT_BYTES || offset + data.length > totalBytes || term > message.term) return;
  // It has it all, as entries or as a snapshot: what is in the log with this index and term agrees in all before it (§5.3).
  if (index <= state.commit || state.log.matches(index, term)) {
    state.incoming = undefined;
    state.commitTo(index, NOBODY);
    done(state, from, index);
    return;
  }
  const incoming = receive(state, message);
  if (incoming.held < totalBytes) {
    const reply = { type: "installSnapshotReply", term: state.term, snapshotIndex: index } as const;
    state.send(from, { ...reply, offset: incoming.held, done: false });
    return;
  }
  state.incoming = undefined;
  install(state, from, { index, term, configuration: incoming.configuration, data: joinBytes(incoming.parts) });
  done(state, from, index);
}

const NOBODY: readonly AgentId[] = [];

function receive(state: RaftState, message: MessageOf<"installSnapshot">): IncomingSnapshot {
  const { snapshotIndex: index, snapshotTerm: term, configuration, totalBytes, offset, data } = message;
  let incoming = state.incoming;
  if (incoming?.index !== index || incoming.term !== term || incoming.totalBytes !== totalBytes) {
    incoming = { index, term, configuration, totalBytes, parts: [], held: 0 };
    state.incoming = incoming;
  }
  const { held } = incoming;
  if (offset <= held && offset + data.length > held) {
    // A copy: the message's bytes are a view into a frame.
    incoming.parts.push(data.slice(held - offset));
    incoming.held = offset + data.length;
  }
  return incoming;
}

/** The log conflicts with it or ends before it: it takes the place of all of it (§7). */
function install(state: RaftState, from: AgentId, snapshot: Snapshot): void {
  const { index, term, configuration } = snapshot;
  state.flushAppended();
  state.durability.installed(snapshot, state.commit);
  state.log.reset(index, term);
  state.members.reset(configuration, index);
  state.snapshot = snapshot;
  state.toInstall = snapshot;
  // What was to be acknowledged may be gone; what was acknowledged is in the snapshot, as it is of this leader.
  state.ackIndex = -1;
  state.commit = index;
  state.observe({ type: "snapshotInstalled", term: state.term, from, index });
  const { voters, outgoing, learners } = configuration;
  state.observe({ type: "configurationChanged", term: state.term, index, voters, outgoing, learners });
}

/** Only once it is durable may it be counted on. */
function done(state: RaftState, from: AgentId, index: number): void {
  state.sendAfterPersist(from, {
    type: "installSnapshotReply",
    term: state.term,
    snapshotIndex: index,
    offset: 0,
    done: true,
  });
}
