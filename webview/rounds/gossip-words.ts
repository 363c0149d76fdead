/** What events of gossip say, in words. */
import type { Fields } from "../../server/contract/timeline.ts";
import { formatDuration, plural } from "../format.ts";

type Said = (fields: Fields) => string;

export type GossipEventKind = "issued" | "rumourHeard" | "antiEntropy" | "heldBack" | "converged";

export const SAID_OF_GOSSIP: Readonly<Record<GossipEventKind, Said>> = {
  issued: ({ fromSeq, toSeq }) => `${numbered(fromSeq, toSeq)} of its own`,
  rumourHeard: ({ from, origin, seq, operations, hops }) =>
    `${plural(Number(operations), "operation")} of ${origin}, up to ${seq}, from ${from}, after ${plural(Number(hops), "hop")}`,
  antiEntropy: ({ peer, sent, received }) => {
    const parts = [
      ...(Number(sent) > 0 ? [`${peer} lacked ${plural(Number(sent), "operation")}`] : []),
      ...(Number(received) > 0 ? [`got ${plural(Number(received), "operation")} from ${peer}`] : []),
    ];
    return parts.length === 0 ? `with ${peer}` : parts.join(", ");
  },
  heldBack: ({ origin, seq, aheadMs }) =>
    `operation ${seq} of ${origin}: its clock is ${formatDuration(Number(aheadMs))} ahead`,
  converged: ({ members, operations }) => `all ${members} have the same ${plural(Number(operations), "operation")}`,
};

/** Of a kind of consensus that has no terms: 0 is none. */
export function isTermless({ term }: Fields): boolean {
  return term === 0;
}

/** Entries on this agent's disk from now on, and so given out. */
export function durableHere({ fromIndex, toIndex }: Fields): string {
  return `${numbered(fromIndex, toIndex, "entry", "entries")} durable here`;
}

type Field = Fields[string] | undefined;

/** A range without its first: "operation 4", "operations 4 to 6". */
function numbered(from: Field, to: Field, one = "operation", many = "operations"): string {
  const [first, last] = [Number(from) + 1, Number(to)];
  return first >= last ? `${one} ${last}` : `${many} ${first} to ${last}`;
}
