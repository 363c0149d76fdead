import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { DIGEST_BYTES } from "../../server/core/crypto.ts";
import { seededRandom } from "../../server/core/random.ts";
import { SimKeys } from "../../server/sim/crypto.ts";

const IDS = ["a1", "a2", "a3", "a4"];
const bytesOf = fc.uint8Array({ maxLength: 300 });

function keysOf(seed: string): SimKeys {
  return new SimKeys(IDS, seededRandom(seed));
}

describe("simulated crypto", () => {
  const keys = keysOf("7");

  it("is the same in every run of a seed, and another one in other seeds", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    deepEqual(keysOf("7").of("a2").sign(bytes), keys.of("a2").sign(bytes));
    notDeepEqual(keysOf("8").of("a2").sign(bytes), keys.of("a2").sign(bytes));
    deepEqual(keysOf("8").of("a1").digest(bytes), keys.of("a4").digest(bytes));
    equal(keys.of("a1").digest(bytes).length, DIGEST_BYTES);
  });

  it("draws nothing from the generator that it is given", () => {
    const random = seededRandom("drawn");
    const before = random.fork("x").uint32();
    new SimKeys(IDS, random);
    equal(random.fork("x").uint32(), before);
    equal(random.uint32(), seededRandom("drawn").uint32());
  });

  it("believes a signature of its signer alone, and only for the bytes that were signed", () => {
    fc.assert(
      fc.property(
        bytesOf,
        fc.constantFrom(...IDS),
        fc.constantFrom(...IDS),
        bytesOf,
        (bytes, signer, other, others) => {
          const signature = keys.of(signer).sign(bytes);
          equal(keys.of(other).verify(signer, bytes, signature), true);
          equal(keys.of(other).verify(other, bytes, signature), signer === other);
          const same = Buffer.compare(bytes, others) === 0;
          equal(keys.of(other).verify(signer, others, signature), same);
        },
      ),
    );
  });

  it("believes no signature of a stranger, none that is cut, and none with a flipped bit", () => {
    const bytes = Uint8Array.of(5);
    const signature = keys.of("a1").sign(bytes);
    equal(keys.of("a2").verify("stranger", bytes, signature), false);
    equal(keys.of("a2").verify("a1", bytes, signature.subarray(0, 15)), false);
    equal(keys.of("a2").verify("a1", bytes, Uint8Array.of(...signature, 0)), false);
    for (let bit = 0; bit < signature.length * 8; bit++) {
      const flipped = signature.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      equal(keys.of("a2").verify("a1", bytes, flipped), false, `bit ${bit}`);
    }
  });

  it("changes half of a digest's and of a signature's bits with any bit that goes in", () => {
    const random = seededRandom("avalanche");
    const { digest, sign } = keys.of("a1");
    for (const made of [digest, sign]) {
      const flips: number[] = [];
      for (let round = 0; round < 2_000; round++) {
        const bytes = Uint8Array.from({ length: random.int(1, 120) }, () => random.int(0, 255));
        const before = made(bytes);
        const at = random.int(0, bytes.length - 1);
        bytes[at] = (bytes[at] as number) ^ (1 << random.int(0, 7));
        made(bytes).forEach((byte, place) => {
          for (let bit = 0; bit < 8; bit++) {
            const counted = place * 8 + bit;
            flips[counted] = (flips[counted] ?? 0) + (((byte ^ (before[place] as number)) >> bit) & 1);
          }
        });
      }
      // 2,000 throws of a coin: 6 standard deviations are 134.
      for (const [bit, count] of flips.entries()) ok(Math.abs(count - 1_000) < 134, `bit ${bit} flips ${count} times`);
    }
  });

  it("gives no two of 300,000 inputs that differ little the same digest, nor the same 8 bytes of one", () => {
    const { digest } = keys.of("a1");
    const seen = new Set<string>();
    const bytes = new Uint8Array(40);
    const view = new DataView(bytes.buffer);
    for (let number = 0; number < 100_000; number++) {
      for (const at of [0, 17, 36]) {
        bytes.fill(0);
        view.setUint32(at, number + 1, true);
        seen.add(Buffer.from(digest(bytes).subarray(0, 8)).toString("latin1"));
      }
    }
    equal(seen.size, 300_000);
  });
});
