import type { Random } from "../../core/random.ts";

/** A copy with one bit flipped. A frame's checksum tells every one of them: XXH32 maps a single changed lane to a changed sum. */
export function flipBit(bytes: Uint8Array, random: Random): Uint8Array {
  const damaged = bytes.slice();
  if (bytes.length === 0) return damaged;
  const bit = random.int(0, bytes.length * 8 - 1);
  damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
  return damaged;
}
