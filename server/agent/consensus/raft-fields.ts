import type { Fields } from "../../contract/timeline.ts";
import { unreachable } from "../../core/invariant.ts";
import type { RaftMessage } from "../../core/raft/types.ts";

/** A message's own fields as people see them: entries as "41..44" instead of their bytes. */
export function raftFields(message: RaftMessage): Fields {
  const { term } = message;
  switch (message.type) {
    case "vote":
      return { term, lastIndex: message.lastIndex, lastTerm: message.lastTerm, transfer: message.transfer };
    case "preVote":
      return { term, lastIndex: message.lastIndex, lastTerm: message.lastTerm };
    case "preVoteReply":
    case "voteReply":
      return { term, granted: message.granted };
    case "append": {
      const { prevIndex, prevTerm, commit, entries } = message;
      return { term, prevIndex, prevTerm, commit, entries: span(prevIndex, entries.length), count: entries.length };
    }
    case "appendReply":
      return { term, accepted: message.accepted, index: message.index, hintTerm: message.hintTerm };
    case "heartbeat":
      return { term, commit: message.commit, round: message.round };
    case "heartbeatReply":
      return { term, round: message.round };
    case "forward":
      return { term, commands: message.commands.length };
    case "readIndex":
      return { term, reads: message.readIds.length };
    case "readIndexReply":
      return { term, reads: message.readIds.length, index: message.index };
    case "installSnapshot": {
      const { snapshotIndex, snapshotTerm, totalBytes, offset, data, configuration } = message;
      const { voters } = configuration;
      return { term, snapshotIndex, snapshotTerm, voters, totalBytes, offset, bytes: data.length };
    }
    case "installSnapshotReply":
      return { term, snapshotIndex: message.snapshotIndex, offset: message.offset, done: message.done };
    case "timeoutNow":
      return { term };
    default:
      return unreachable(message, "message");
  }
}

function span(prevIndex: number, count: number): string {
  if (count === 0) return "";
  return count === 1 ? String(prevIndex + 1) : `${prevIndex + 1}..${prevIndex + count}`;
}
