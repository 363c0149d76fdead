import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MalformedBytes } from "../../../server/core/bytes.ts";
import { HandshakeRefused } from "../../../server/live/agent/handshake.ts";
import {
  JOIN_LIMIT_BYTES,
  type JoinAsk,
  MAX_SENTENCE_BYTES,
  NewcomerHandshake,
  refusal,
  SeedHandshake,
  secretBytes,
  WrongSecret,
} from "../../../server/live/agent/join-handshake.ts";
import { makeKeys, makeToken, privateKeyOf } from "../../../server/live/identity.ts";

const secretText = makeToken();
const secret = secretBytes(secretText);
const keys = makeKeys();
const key = privateKeyOf(keys.privateKey);
const ask: JoinAsk = { id: "n1", publicKey: keys.publicKey, port: 4567, host: "", learner: false };
const NO_CHANNEL = new Uint8Array();
const seedOf = (over: { swarm?: string; seed?: string; secret?: Buffer; channel?: Uint8Array } = {}): SeedHandshake =>
  new SeedHandshake(
    { swarm: over.swarm ?? "s1", seed: over.seed ?? "a1" },
    over.secret ?? secret,
    over.channel ?? NO_CHANNEL,
  );

/** Up to what the newcomer asks. */
function asking(
  seed: SeedHandshake,
  newcomer = new NewcomerHandshake(secret),
  wish = ask,
  signer = key,
  channel: Uint8Array = NO_CHANNEL,
) {
  const { challenge, ask: make } = newcomer.challenged(seed.greeted(newcomer.opening), channel);
  return { newcomer, challenge, bytes: make(wish, signer) };
}

describe("the handshake of joining", () => {
  it("tells each side what the other has, and gives both the same token", () => {
    const seed = seedOf();
    const { newcomer, challenge, bytes } = asking(seed);
    assert.deepEqual(challenge, { swarm: "s1", seed: "a1" });
    const { token, ...asked } = seed.asked(bytes);
    assert.deepEqual(asked, ask);
    const answer = newcomer.answered(seed.welcome(Buffer.from("all of it")));
    assert.ok("welcome" in answer);
    assert.equal(Buffer.from(answer.welcome).toString(), "all of it");
    assert.equal(answer.token, token);
    assert.equal(Buffer.from(token, "base64url").length, 32);
  });

  it("has neither the secret nor the token in any message", () => {
    const seed = seedOf();
    const { newcomer, bytes } = asking(seed);
    const { token } = seed.asked(bytes);
    const welcome = seed.welcome(Buffer.from("{}"));
    for (const message of [newcomer.opening, bytes, welcome])
      for (const hidden of [secret, Buffer.from(secretText), Buffer.from(token), Buffer.from(token, "base64url")])
        assert.equal(Buffer.from(message).includes(hidden), false);
  });

  it("is of use only where both sides know the same key of the connection between them", () => {
    const own = Buffer.from(keys.publicKey, "base64");
    const another = Buffer.from(makeKeys().publicKey, "base64");
    const through = (seedsOwn: Uint8Array, seen: Uint8Array) => {
      const seed = seedOf({ channel: seedsOwn });
      return seed.asked(asking(seed, new NewcomerHandshake(secret), ask, key, seen).bytes);
    };
    assert.equal(through(own, own).id, "n1");
    // Somebody stands in between, with a key of its own, or takes the encryption away.
    assert.throws(() => through(own, another), WrongSecret);
    assert.throws(() => through(own, NO_CHANNEL), WrongSecret);
    assert.throws(() => through(NO_CHANNEL, another), WrongSecret);
  });

  it("refuses a newcomer with another secret", () => {
    const seed = seedOf();
    const { bytes } = asking(seed, new NewcomerHandshake(secretBytes(makeToken())));
    assert.throws(() => seed.asked(bytes), WrongSecret);
  });

  it("refuses what was said to another seed, of another swarm, or at another time", () => {
    const { bytes } = asking(seedOf());
    for (const other of [seedOf(), seedOf({ seed: "a2" }), seedOf({ swarm: "s2" })]) {
      other.greeted(new NewcomerHandshake(secret).opening);
      assert.throws(() => other.asked(bytes), WrongSecret);
    }
  });

  it("refuses any change of what is asked for, by whoever does not know the secret", () => {
    const seed = seedOf();
    const { bytes } = asking(seed);
    for (let at = 1; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 1;
      assert.throws(() => seed.asked(changed), HandshakeRefusedOrMalformed, `byte ${at}`);
    }
    seed.asked(bytes);
  });

  it("refuses a newcomer that has the secret and not the key that it names", () => {
    const seed = seedOf();
    const { bytes } = asking(seed, new NewcomerHandshake(secret), ask, privateKeyOf(makeKeys().privateKey));
    assert.throws(() => seed.asked(bytes), /does not have the key/);
  });

  it("refuses a seed that does not know the secret, and a welcome that was changed", () => {
    const impostor = seedOf({ secret: randomBytes(32) });
    const { newcomer } = asking(impostor);
    const honest = seedOf();
    honest.asked(asking(honest).bytes);
    // Any welcome of another conversation is one of somebody who does not know this one.
    assert.throws(() => newcomer.answered(honest.welcome(Buffer.from("{}"))), /does not know the join secret/);
    const seed = seedOf();
    const asked = asking(seed);
    seed.asked(asked.bytes);
    const welcome = seed.welcome(Buffer.from("abc"));
    welcome[welcome.length - 1] = 0;
    assert.throws(() => asked.newcomer.answered(welcome), /does not know the join secret/);
  });

  it("carries a refusal's sentence, cut to what a message has room for", () => {
    const seed = seedOf();
    const { newcomer } = asking(seed);
    assert.deepEqual(newcomer.answered(refusal("no room", 1500)), { refused: "no room", retryAfterMs: 1500 });
    const long = newcomer.answered(refusal("ü".repeat(1000), 0));
    assert.ok("refused" in long && Buffer.byteLength(long.refused) <= MAX_SENTENCE_BYTES && /^ü+$/.test(long.refused));
  });

  it("takes any bytes for what they are: at worst refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: JOIN_LIMIT_BYTES + 10 }), (bytes) => {
        const greeted = seedOf();
        greeted.greeted(new NewcomerHandshake(secret).opening);
        const { newcomer } = asking(seedOf());
        const receivers = [
          () => seedOf().greeted(bytes),
          () => greeted.asked(bytes),
          () => new NewcomerHandshake(secret).challenged(bytes, NO_CHANNEL),
          () => newcomer.answered(bytes),
        ];
        for (const receive of receivers) {
          try {
            receive();
          } catch (error) {
            assert.ok(error instanceof HandshakeRefused || error instanceof MalformedBytes, String(error));
          }
        }
      }),
    );
  });

  it("knows a secret that is none", () => {
    for (const text of ["", "short", `${secretText}x`, secretText.replace(/.$/, "!")])
      assert.throws(() => secretBytes(text), /43 letters/);
  });
});

function HandshakeRefusedOrMalformed(error: unknown): boolean {
  return error instanceof HandshakeRefused || error instanceof MalformedBytes;
}
