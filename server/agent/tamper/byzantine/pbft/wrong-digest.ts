import { checkpointBytes, orderBytes } from "../../../../core/pbft/signed.ts";
import type { PbftLie } from "./lie.ts";

/** Names digests that are of nothing: as a primary those of its batches, and those of its states; all with its signature, and to all the same. */
export const digestWrongly: PbftLie = ({ crypto }, _to, message) => {
  if (message.type === "prePrepare") {
    const digest = crypto.digest(message.digest);
    const signature = crypto.sign(orderBytes("prePrepare", message.view, message.seq, digest));
    return [{ ...message, digest, signature }];
  }
  if (message.type === "checkpoint") {
    const digest = crypto.digest(message.digest);
    return [{ ...message, digest, signature: crypto.sign(checkpointBytes(message.seq, digest)) }];
  }
  return [message];
};
