import type { Fields } from "../../contract/timeline.ts";
import { unreachable } from "../../core/invariant.ts";
import type { BroadcastId, PlumtreeMessage } from "../../core/overlay/plumtree/types.ts";
import { subjectOf } from "../broadcast-content.ts";

/** A message's own fields as people see them. `broadcast` names one: of which agent, in which of its lives, the how manieth. */
export function broadcastFields(message: PlumtreeMessage): Fields {
  switch (message.type) {
    case "broadcast": {
      const { id, hops, payload } = message;
      return { broadcast: nameOf(id), origin: id.origin, hops, about: subjectOf(payload) };
    }
    case "ihave": {
      const newest = message.announcements.at(-1);
      const count = message.announcements.length;
      return newest ? { count, broadcast: nameOf(newest.id), hops: newest.hops } : { count };
    }
    case "graft":
      return message.id === undefined ? {} : { broadcast: nameOf(message.id), origin: message.id.origin };
    case "prune":
      return {};
    default:
      return unreachable(message, "message");
  }
}

function nameOf({ origin, incarnation, number }: BroadcastId): string {
  return `${origin}.${incarnation}:${number}`;
}
