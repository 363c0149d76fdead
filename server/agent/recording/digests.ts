import { DIGEST_BYTES } from "../../core/crypto.ts";
import { type HashKey, hash128, mixed } from "../hash128.ts";

export type Digest = (bytes: Uint8Array) => Uint8Array;

/** Which digest function an agent's world had: a recording names it. sha256: where agents are processes. */
export const DIGEST_NAMES = ["sha256", "simulated"] as const;
export type DigestName = (typeof DIGEST_NAMES)[number];

const KEY: HashKey = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];
const OTHERS: HashKey = [0x61c88647, 0x27d4eb2f, 0x165667b1, 0x4cf5ad43];
const words = new Int32Array(4);

/**
 * The digest of the simulated world: the same in every run. A hash of 128 bits, and the same bits once more, mixed: of 10^9 inputs two have the same with a chance of one
 * in 10^20. Nobody in a simulation looks for them.
 */
export function simulatedDigest(bytes: Uint8Array): Uint8Array {
  hash128(bytes, KEY, words);
  const digest = new Uint8Array(DIGEST_BYTES);
  for (let lane = 0; lane < 4; lane++) {
    const word = words[lane] as number;
    putWord(digest, lane * 4, word);
    putWord(digest, 16 + lane * 4, mixed(word ^ (OTHERS[lane] as number)));
  }
  return digest;
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}
