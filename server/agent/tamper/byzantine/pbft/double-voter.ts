import { orderBytes } from "../../../../core/pbft/signed.ts";
import type { PbftMessage } from "../../../../core/pbft/types.ts";
import type { LyingReplica, PbftLie } from "./lie.ts";
import type { Seen, SeenProposal } from "./seen.ts";

type Vote = PbftMessage & { readonly type: "prepare" | "commit" };

/** Prepares and commits, to all, every batch that it knows to be proposed at the place, in any order; and where that is one alone, one that nobody proposed. All with its signature. */
export function doubleVote(seen: Seen): PbftLie {
  return (liar, _to, message) => {
    if (message.type !== "prepare" && message.type !== "commit") return [message];
    const { view, seq, digest } = message;
    const prePrepare = message.type === "prepare" ? message.prePrepare : undefined;
    const known = seen.add(view, seq, { digest, prePrepare });
    const made: SeenProposal = { digest: liar.crypto.digest(digest), prePrepare: undefined };
    const all = known.length > 1 ? known : [...known, made];
    return liar.random.shuffled(all).map((one) => voteFor(one, message, liar));
  };
}

function voteFor({ digest, prePrepare }: SeenProposal, message: Vote, { crypto }: LyingReplica): Vote {
  const { type, view, seq } = message;
  const signature = crypto.sign(orderBytes(type, view, seq, digest));
  if (type === "commit") return { ...message, digest, signature };
  return { ...message, digest, signature, prePrepare: prePrepare ?? message.prePrepare };
}
