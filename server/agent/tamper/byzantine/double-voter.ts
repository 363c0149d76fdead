import type { AgentId } from "../../../core/consensus.ts";
import type { RelayedPacket } from "../../frame.ts";
import { retold, type Told } from "../told.ts";
import type { Liar } from "./liar.ts";

/**
 * Grants every vote and pre-vote that the honest agent refuses. And where it grants one itself, it tells all the others the same, by way of the one that asked: who
 * campaigns in this term too has that vote as well.
 */
export class DoubleVoter implements Liar {
  /** In which the others were told: once a term, for what was told may come by again on its way to them. */
  #toldTerm = 0;

  tell(told: Told, roster: readonly AgentId[]): readonly Told[] {
    const { message } = told;
    if (message.type !== "voteReply" && message.type !== "preVoteReply") return [told];
    if (message.type === "preVoteReply") {
      // A refusal names the refuser's own term, a grant the one that is campaigned in: the next, among agents of one term.
      return message.granted ? [told] : [retold(told, { ...message, term: message.term + 1, granted: true })];
    }
    if (!message.granted) return [retold(told, { ...message, granted: true })];
    if (message.term <= this.#toldTerm) return [told];
    this.#toldTerm = message.term;
    const others = roster.filter((agent) => agent !== told.from && agent !== told.to);
    return [told, ...others.map((other) => forOther(told, other, roster))];
  }
}

function forOther(told: Told, other: AgentId, roster: readonly AgentId[]): Told {
  const { sequence, payload } = told.packet;
  const packet: RelayedPacket = {
    kind: "relayed",
    origin: roster.indexOf(told.from),
    destination: roster.indexOf(other),
    hops: roster.length,
    incarnation: 1,
    sequence,
    payload,
  };
  return { ...told, to: other, packet };
}
