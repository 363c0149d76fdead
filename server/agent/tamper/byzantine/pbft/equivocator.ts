import type { AgentId } from "../../../../core/consensus.ts";
import { batchBytes, orderBytes } from "../../../../core/pbft/signed.ts";
import type { Batch, PbftMessage } from "../../../../core/pbft/types.ts";
import type { Random } from "../../../../core/random.ts";
import type { LyingReplica, PbftLie } from "./lie.ts";
import type { Seen } from "./seen.ts";

type PrePrepare = PbftMessage & { readonly type: "prePrepare" };

/** Proposals remembered, so that all of one half are told the same. */
const MEMORY = 256;

/**
 * As a primary: to every other replica another batch for the same place, and the commits that go with it; both with its signature. The batch has requests left out, in another
 * order, or another time. Where it is known that a place has two batches (a primary's lie), a backup prepares and commits to each half what that half was told.
 */
export function equivocate(seen: Seen): PbftLie {
  const told = new Map<string, PrePrepare>();
  return (liar, to, message) => {
    switch (message.type) {
      case "prePrepare": {
        const { view, seq, digest, signature } = message;
        seen.add(view, seq, { digest, prePrepare: signature });
        const key = `${view}/${seq}`;
        const other = told.get(key) ?? otherThan(message, liar);
        told.set(key, other);
        const [oldest] = told.keys();
        if (told.size > MEMORY && oldest !== undefined) told.delete(oldest);
        seen.add(view, seq, { digest: other.digest, prePrepare: other.signature });
        return [inOtherHalf(to, liar) ? other : message];
      }
      case "prepare":
      case "commit": {
        const { type, view, seq } = message;
        const known = seen.at(view, seq);
        const [first, second] = known;
        if (first === undefined || second === undefined) return [message];
        const { digest, prePrepare } = inOtherHalf(to, liar) ? second : first;
        const signature = liar.crypto.sign(orderBytes(type, view, seq, digest));
        if (type === "commit") return [{ ...message, digest, signature }];
        return [{ ...message, digest, signature, prePrepare: prePrepare ?? message.prePrepare }];
      }
      default:
        return [message];
    }
  };
}

function inOtherHalf(to: AgentId, { replicas }: LyingReplica): boolean {
  return replicas.indexOf(to) % 2 === 1;
}

function otherThan(message: PrePrepare, { crypto, random }: LyingReplica): PrePrepare {
  const { view, seq } = message;
  const batch = otherBatch(message.batch, random);
  const digest = crypto.digest(batchBytes(batch));
  const signature = crypto.sign(orderBytes("prePrepare", view, seq, digest));
  // Its commands are views into a frame that does not outlive this call.
  return { ...message, digest, signature, batch: copyOf(batch) };
}

function otherBatch(batch: Batch, random: Random): Batch {
  const later = { ...batch, timeMs: batch.timeMs + 1 };
  if (batch.requests.length < 2) return later;
  return random.pick([
    later,
    { ...batch, requests: batch.requests.slice(0, -1) },
    { ...batch, requests: batch.requests.toReversed() },
  ]);
}

function copyOf(batch: Batch): Batch {
  const requests = batch.requests.map((request) => ({
    ...request,
    commands: request.commands.map((command) => command.slice()),
  }));
  return { ...batch, requests };
}
