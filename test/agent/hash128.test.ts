import { equal } from "node:assert/strict";
import { describe, it } from "mocha";
import { HASH_BYTES, hash128 } from "../../server/agent/hash128.ts";

function hashed(bytes: Uint8Array, seed: number): Uint8Array {
  const words = new Int32Array(4);
  hash128(bytes, [seed, seed, seed, seed], words);
  return new Uint8Array(words.buffer);
}

describe("hash128", () => {
  it("is MurmurHash3 x86 128: SMHasher's verification value", () => {
    const all = new Uint8Array(256 * HASH_BYTES);
    const key = Uint8Array.from({ length: 256 }, (_, at) => at);
    for (let length = 0; length < 256; length++)
      all.set(hashed(key.subarray(0, length), 256 - length), length * HASH_BYTES);
    const value = new DataView(hashed(all, 0).buffer).getUint32(0, true);
    equal(value.toString(16), "b3ece62a");
  });
});
