import { deepEqual, equal, throws } from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "mocha";
import type { RosterEntry } from "../../../server/contract/client.ts";
import { LiveCrypto } from "../../../server/live/agent/crypto.ts";
import { signatureName, VerifiedSignatures } from "../../../server/live/agent/verified-signatures.ts";
import { makeKeys, privateKeyOf } from "../../../server/live/identity.ts";
import { LayoutProblem } from "../../../server/live/layout.ts";

const KEYS = { a1: makeKeys(), a2: makeKeys(), a3: makeKeys() };
const ROSTER = Object.entries(KEYS).map(
  ([id, { publicKey }], place): RosterEntry => ({ id, port: place + 1, publicKey }),
);
const BYTES = Buffer.from("what is signed");

function cryptoOf(id: keyof typeof KEYS, agents: readonly RosterEntry[] = ROSTER): LiveCrypto {
  return new LiveCrypto(id, privateKeyOf(KEYS[id].privateKey), { agents });
}

describe("live crypto", () => {
  const signature = cryptoOf("a1").sign(BYTES);

  it("believes what an agent of the roster signed, as often as it is asked", () => {
    const other = cryptoOf("a2");
    for (let time = 0; time < 3; time++) equal(other.verify("a1", BYTES, signature), true);
    equal(cryptoOf("a1").verify("a1", BYTES, signature), true);
  });

  it("signs the same bytes alike, with 64 bytes of its own", () => {
    deepEqual(cryptoOf("a1").sign(BYTES), signature);
    equal(signature.length, 64);
    equal(Object.getPrototypeOf(signature), Uint8Array.prototype);
  });

  it("believes nothing that was tampered with, nor another signer, though it has believed the true one", () => {
    const other = cryptoOf("a3");
    equal(other.verify("a1", BYTES, signature), true);
    for (const at of [0, 31, 32, 63]) {
      const flipped = signature.slice();
      flipped[at] = (flipped[at] as number) ^ 1;
      equal(other.verify("a1", BYTES, flipped), false);
    }
    equal(other.verify("a1", Buffer.from("what was not signed"), signature), false);
    equal(other.verify("a2", BYTES, signature), false);
    equal(other.verify("a3", BYTES, signature), false);
    for (const length of [0, 1, 63]) equal(other.verify("a1", BYTES, signature.subarray(0, length)), false);
    equal(other.verify("a1", BYTES, Uint8Array.of(...signature, 0)), false);
  });

  it("does not believe a stranger, and does once the roster has grown by it", () => {
    const roster = { agents: ROSTER.slice(0, 2) };
    const other = new LiveCrypto("a2", privateKeyOf(KEYS.a2.privateKey), roster);
    const late = cryptoOf("a3").sign(BYTES);
    equal(other.verify("a3", BYTES, late), false);
    roster.agents = ROSTER;
    equal(other.verify("a3", BYTES, late), true);
  });

  it("counts what it signed, what it verified, and what it knew already", () => {
    const other = cryptoOf("a2");
    const own = other.sign(BYTES);
    other.verify("a2", BYTES, own);
    for (let time = 0; time < 3; time++) other.verify("a1", BYTES, signature);
    other.verify("a3", BYTES, signature);
    other.verify("a9", BYTES, signature);
    deepEqual(other.counts, { signed: 1, verified: 2, known: 3 });
  });

  it("digests with SHA-256", () => {
    const digest = cryptoOf("a1").digest(BYTES);
    deepEqual(digest, new Uint8Array(createHash("sha256").update(BYTES).digest()));
    equal(Object.getPrototypeOf(digest), Uint8Array.prototype);
  });

  it("says whose key cannot be used", () => {
    const spoilt = ROSTER.map((entry) => (entry.id === "a2" ? { ...entry, publicKey: "none" } : entry));
    throws(
      () => cryptoOf("a1", spoilt),
      (error) => error instanceof LayoutProblem && /public key of a2/.test(error.message),
    );
  });
});

describe("verified signatures", () => {
  const [bytes, signature] = [Uint8Array.of(1), Uint8Array.of(2)];

  it("are kept for their signer, bytes and signature, and no other", () => {
    const verified = new VerifiedSignatures();
    verified.add(signatureName("a1", bytes, signature));
    equal(verified.has(signatureName("a1", bytes, signature)), true);
    equal(verified.has(signatureName("a2", bytes, signature)), false);
    equal(verified.has(signatureName("a1", Uint8Array.of(1, 2), new Uint8Array())), false);
    equal(verified.has(signatureName("a1", new Uint8Array(), Uint8Array.of(1, 2))), false);
    equal(verified.has(signatureName("a1", signature, bytes)), false);
  });

  it("are so many at most, and those in use stay", () => {
    const verified = new VerifiedSignatures(100);
    verified.add(signatureName("used", bytes, signature));
    for (let number = 0; number < 1_000; number++) {
      verified.add(signatureName(`signer ${number}`, bytes, signature));
      equal(verified.has(signatureName("used", bytes, signature)), true, `after ${number} others`);
      equal(verified.size <= 200, true);
    }
    equal(verified.has(signatureName("signer 999", bytes, signature)), true);
    equal(verified.has(signatureName("signer 1", bytes, signature)), false);
  });
});
