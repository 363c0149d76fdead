const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;

const STRIPE_BYTES = 16;

/** From so many bytes on a view of them reads faster than byte by byte; making one costs more than most frames' whole checksum. */
const VIEW_BYTES = 256;

/**
 * XXH32 (Collet, "xxHash fast digest algorithm", version 0.1.1) of `bytes[0, end)`. Finds accidental damage; keeps no secret and stops no forger.
 * @returns an unsigned 32-bit integer.
 */
export function xxh32(bytes: Uint8Array, end: number = bytes.length, seed = 0): number {
  let hash = (seed + PRIME_5) | 0;
  if (end >= VIEW_BYTES) hash = stripesOfView(new DataView(bytes.buffer, bytes.byteOffset, end), end, seed);
  else if (end >= STRIPE_BYTES) hash = stripes(bytes, end, seed);
  let at = end - (end % STRIPE_BYTES);
  hash = (hash + end) | 0;
  for (; at + 4 <= end; at += 4)
    hash = Math.imul(rotate((hash + Math.imul(word(bytes, at), PRIME_3)) | 0, 17), PRIME_4);
  for (; at < end; at++) hash = Math.imul(rotate((hash + Math.imul(bytes[at] as number, PRIME_5)) | 0, 11), PRIME_1);
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** All whole stripes of what is short, in four lanes. */
function stripes(bytes: Uint8Array, end: number, seed: number): number {
  let a = (seed + PRIME_1 + PRIME_2) | 0;
  let b = (seed + PRIME_2) | 0;
  let c = seed | 0;
  let d = (seed - PRIME_1) | 0;
  for (let at = 0; at <= end - STRIPE_BYTES; at += STRIPE_BYTES) {
    a = round(a, word(bytes, at));
    b = round(b, word(bytes, at + 4));
    c = round(c, word(bytes, at + 8));
    d = round(d, word(bytes, at + 12));
  }
  return (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0;
}

/** The same of what is long. */
function stripesOfView(view: DataView, end: number, seed: number): number {
  let a = (seed + PRIME_1 + PRIME_2) | 0;
  let b = (seed + PRIME_2) | 0;
  let c = seed | 0;
  let d = (seed - PRIME_1) | 0;
  for (let at = 0; at <= end - STRIPE_BYTES; at += STRIPE_BYTES) {
    a = round(a, view.getInt32(at, true));
    b = round(b, view.getInt32(at + 4, true));
    c = round(c, view.getInt32(at + 8, true));
    d = round(d, view.getInt32(at + 12, true));
  }
  return (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0;
}

/** The four bytes from there on, little endian. */
export function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function round(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, PRIME_2)) | 0, 13), PRIME_1);
}

export function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
