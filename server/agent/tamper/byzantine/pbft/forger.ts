import { utf8 } from "../../../../core/bytes.ts";
import type { AgentId } from "../../../../core/consensus.ts";
import { batchBytes, newViewBytes, orderBytes, requestBytes, viewChangeBytes } from "../../../../core/pbft/signed.ts";
import type { PbftMessage, Request } from "../../../../core/pbft/types.ts";
import type { LyingReplica, PbftLie } from "./lie.ts";

const FORGED_SHARE = 0.5;
/** A request that nobody made goes with one message in ten. */
const REQUEST_SHARE = 0.1;
const MADE_UP = utf8("made up");

/**
 * Signs what is not its to sign, every other time: as a primary it orders requests that it made up in another's name; it hands over such requests; gives up on views and begins them in
 * another's name; and what it says as itself has a signature that was made for something else.
 */
export const forge: PbftLie = (liar, to, message) => {
  const { random } = liar;
  const request = random.chance(REQUEST_SHARE) ? madeUp(liar) : undefined;
  const told = random.chance(FORGED_SHARE) ? forged(liar, to, message) : message;
  return request === undefined ? [told] : [told, { type: "request", request }];
};

function forged(liar: LyingReplica, to: AgentId, message: PbftMessage): PbftMessage {
  const { crypto } = liar;
  switch (message.type) {
    case "prePrepare": {
      const { view, seq } = message;
      const batch = { ...message.batch, requests: [...message.batch.requests, madeUp(liar)] };
      const digest = crypto.digest(batchBytes(batch));
      return { ...message, digest, signature: crypto.sign(orderBytes("prePrepare", view, seq, digest)), batch };
    }
    case "prepare":
    case "commit":
    case "checkpoint":
      return { ...message, signature: crypto.sign(message.digest) };
    case "readReply":
      return { ...message, prepared: 0, signature: crypto.sign(MADE_UP) };
    case "viewChange": {
      const unsigned = { ...message.viewChange, replica: anotherThan(liar, to) };
      return { type: "viewChange", viewChange: { ...unsigned, signature: crypto.sign(viewChangeBytes(unsigned)) } };
    }
    case "newView": {
      // The view after the one that it may begin.
      const view = message.view + 1;
      const { viewChanges, reproposals } = message;
      return { ...message, view, signature: crypto.sign(newViewBytes(view, viewChanges, reproposals)) };
    }
    default:
      return message;
  }
}

function madeUp(liar: LyingReplica): Request {
  const { crypto, random } = liar;
  const number = random.int(1, 1000);
  const unsigned = { origin: anotherThan(liar), life: random.int(1, 3), number, floor: 1, commands: [MADE_UP] };
  return { ...unsigned, signature: crypto.sign(requestBytes(unsigned)) };
}

function anotherThan({ id, random, replicas }: LyingReplica, to?: AgentId): AgentId {
  return random.pick(replicas.filter((one) => one !== id && one !== to));
}
