import type { PbftMessage } from "../../../../core/pbft/types.ts";
import { flipBit } from "../../damage.ts";
import type { PbftLie } from "./lie.ts";

/** To whoever fetches a state: parts with a bit flipped, of another place, of a state larger or smaller than it is, or a part so small that it never ends. */
export const corruptState: PbftLie = ({ random }, _to, message) => {
  if (message.type !== "stateChunk") return [message];
  const { data, offset, totalBytes } = message;
  return [
    random.pick<() => PbftMessage>([
      () => ({ ...message, data: flipBit(data, random) }),
      () => ({ ...message, totalBytes: totalBytes + random.int(1, 1_000_000) }),
      () => ({ ...message, totalBytes: random.int(offset + data.length, Math.max(offset + data.length, totalBytes)) }),
      () => ({ ...message, offset: random.int(0, totalBytes - data.length) }),
      () => ({ ...message, data: data.subarray(0, 1), totalBytes: totalBytes + 1_000_000 }),
    ])(),
  ];
};
