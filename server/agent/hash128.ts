import { rotate, word } from "./checksum.ts";

/** Four words that begin a hash: who does not know them cannot tell what comes out. */
export type HashKey = readonly [number, number, number, number];

export const HASH_BYTES = 16;

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/**
 * MurmurHash3 x86 128 (Appleby, public domain), its four lanes begun with a key instead of one seed. Spreads well: no two inputs of a run have the same by accident. Against
 * somebody who looks for collisions it is no use.
 * @param into its four words; taken as bytes, little endian, they are the hash.
 */
export function hash128(bytes: Uint8Array, key: HashKey, into: Int32Array): void {
  const length = bytes.length;
  let [a, b, c, d] = key;
  let at = 0;
  for (; at + 16 <= length; at += 16) {
    a = (rotate(a ^ scrambled(word(bytes, at), C1, 15, C2), 19) + b) | 0;
    a = (Math.imul(a, 5) + 0x561ccd1b) | 0;
    b = (rotate(b ^ scrambled(word(bytes, at + 4), C2, 16, C3), 17) + c) | 0;
    b = (Math.imul(b, 5) + 0x0bcaa747) | 0;
    c = (rotate(c ^ scrambled(word(bytes, at + 8), C3, 17, C4), 15) + d) | 0;
    c = (Math.imul(c, 5) + 0x96cd1c35) | 0;
    d = (rotate(d ^ scrambled(word(bytes, at + 12), C4, 18, C1), 13) + a) | 0;
    d = (Math.imul(d, 5) + 0x32ac3b17) | 0;
  }
  // What is missing of the last block counts as zeros; the length tells it from real ones.
  if (at < length) {
    a ^= scrambled(endWord(bytes, at), C1, 15, C2);
    b ^= scrambled(endWord(bytes, at + 4), C2, 16, C3);
    c ^= scrambled(endWord(bytes, at + 8), C3, 17, C4);
    d ^= scrambled(endWord(bytes, at + 12), C4, 18, C1);
  }
  a ^= length;
  b ^= length;
  c ^= length;
  d ^= length;
  a = (a + b + c + d) | 0;
  b = mixed((b + a) | 0);
  c = mixed((c + a) | 0);
  d = mixed((d + a) | 0);
  a = mixed(a);
  a = (a + b + c + d) | 0;
  into[0] = a;
  into[1] = b + a;
  into[2] = c + a;
  into[3] = d + a;
}

function scrambled(value: number, first: number, turn: number, second: number): number {
  return Math.imul(rotate(Math.imul(value, first), turn), second);
}

/** Every bit of what comes out depends on every bit that goes in. */
export function mixed(value: number): number {
  let word = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

/** Behind the end there are zeros. */
function endWord(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let byte = Math.min(at + 4, bytes.length) - 1; byte >= at; byte--)
    value = (value << 8) | (bytes[byte] as number);
  return value;
}
