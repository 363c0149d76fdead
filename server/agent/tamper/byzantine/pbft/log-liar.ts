import { readReplyBytes } from "../../../../core/pbft/signed.ts";
import type { PbftLie } from "./lie.ts";

const FARTHEST = 1000;

/** Says that it is ahead of where it is, or behind: in every status, and, with its signature, to whoever asks in order to read. */
export const lieAboutLog: PbftLie = ({ crypto, random }, to, message) => {
  const wrong = (honest: number) => (random.chance(0.5) ? random.int(0, honest) : honest + random.int(1, FARTHEST));
  if (message.type === "status") {
    const [view, stable, executed, proposed] = [
      random.chance(0.5) ? message.view : wrong(message.view),
      wrong(message.stable),
      wrong(message.executed),
      wrong(message.proposed),
    ];
    return [{ ...message, view, active: random.chance(0.5), stable, executed, proposed }];
  }
  if (message.type === "readReply") {
    const { life, number } = message;
    const prepared = wrong(message.prepared);
    return [{ ...message, prepared, signature: crypto.sign(readReplyBytes(to, life, number, prepared)) }];
  }
  return [message];
};
