import type { AgentId } from "../../../core/consensus.ts";
import { isGossipMessage } from "../../../core/gossip/codec.ts";
import { isPlumtreeMessage } from "../../../core/overlay/plumtree/codec.ts";
import { isPbftMessage } from "../../../core/pbft/codec.ts";
import type { RaftMessage } from "../../../core/raft/types.ts";
import type { Random } from "../../../core/random.ts";
import type { RelayedPacket } from "../../frame.ts";
import { retold, type Told } from "../told.ts";
import type { Liar } from "./liar.ts";

const NEWER_TERM_SHARE = 0.02;
const FARTHEST_TERM = 3;

/**
 * Claims what nobody said: now and then a term that is not there yet; and whenever it votes or acknowledges, the same in the name of each other agent. Nothing proves who
 * wrote a message that came by way of another agent, so that such a name is believed.
 */
export class Forger implements Liar {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  tell(told: Told, roster: readonly AgentId[]): readonly Told[] {
    const { message } = told;
    if (isPbftMessage(message) || isGossipMessage(message) || isPlumtreeMessage(message)) return [told];
    const random = this.#random;
    if (random.chance(NEWER_TERM_SHARE))
      return [retold(told, { ...message, term: message.term + random.int(1, FARTHEST_TERM) })];
    const agreed = agreement(message);
    if (agreed === undefined) return [told];
    const names = roster.filter((name) => name !== told.from && name !== told.to);
    return [told, ...names.map((name) => inTheNameOf(name, retold(told, agreed), roster))];
  }
}

/** What others would say to help along what this message answers. */
function agreement(message: RaftMessage): RaftMessage | undefined {
  switch (message.type) {
    case "preVoteReply":
    case "voteReply":
      return { ...message, granted: true };
    case "appendReply":
      return message.accepted ? message : undefined;
    default:
      return undefined;
  }
}

function inTheNameOf(name: AgentId, told: Told, roster: readonly AgentId[]): Told {
  const { sequence, payload } = told.packet;
  const origin = roster.indexOf(name);
  const packet: RelayedPacket =
    told.packet.kind === "relayed"
      ? { ...told.packet, origin }
      : {
          kind: "relayed",
          origin,
          destination: roster.indexOf(told.to),
          // It is handed to its receiver itself.
          hops: 1,
          incarnation: 1,
          sequence,
          payload,
        };
  return { ...told, from: name, packet };
}
