import type { Fields } from "../../contract/timeline.ts";
import type { GossipMessage } from "../../core/gossip/types.ts";
import { unreachable } from "../../core/invariant.ts";

/** A message's own fields as people see them: how many operations instead of their bytes, vectors as the sum of what they count. */
export function gossipFields(message: GossipMessage): Fields {
  switch (message.type) {
    case "rumour": {
      const hops = message.rumours.map((rumour) => rumour.hops);
      return { operations: hops.length, hops: Math.max(0, ...hops) };
    }
    case "digest":
      return { answer: message.answer, have: sum(message.have), everywhere: sum(message.everywhere) };
    case "checksum":
      return { answer: message.answer, recent: message.recent.length };
    case "ranges":
      return { answer: message.answer, splits: message.splits.length, leaves: message.leaves.length };
    case "delta":
      return { operations: message.operations.length };
    case "state": {
      const { index, totalBytes, offset, data } = message;
      return { index, totalBytes, offset, bytes: data.length };
    }
    case "stateReply":
      return { index: message.index, offset: message.offset };
    default:
      return unreachable(message, "message");
  }
}

function sum(vector: readonly number[]): number {
  return vector.reduce((total, count) => total + count, 0);
}
