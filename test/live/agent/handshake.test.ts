import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MalformedBytes } from "../../../server/core/bytes.ts";
import {
  acceptorHandshake,
  dialerHandshake,
  type HandshakeIdentity,
  HandshakeRefused,
} from "../../../server/live/agent/handshake.ts";
import { makeKeys, privateKeyOf, publicKeyOf } from "../../../server/live/identity.ts";

const keys = new Map(["a1", "a2", "a3"].map((id) => [id, makeKeys()]));

function identity(id: string, wishes: Partial<HandshakeIdentity> = {}): HandshakeIdentity {
  const key = keys.get(id) ?? makeKeys();
  const keyOf: HandshakeIdentity["keyOf"] = (peer) => {
    const known = keys.get(peer);
    return known === undefined ? undefined : publicKeyOf(known.publicKey);
  };
  return { swarm: "s", id, incarnation: 3, privateKey: privateKeyOf(key.privateKey), keyOf, ...wishes };
}

/** Both sides to the end. `change` may change each of the four messages on its way. */
function run(
  dialing: HandshakeIdentity,
  accepting: HandshakeIdentity,
  change: (message: Uint8Array, number: number) => Uint8Array = (message) => message,
) {
  const dialer = dialerHandshake(dialing, accepting.id);
  const acceptor = acceptorHandshake(accepting);
  const answer = acceptor.receive(change(dialer.opening, 1)).send as Uint8Array;
  const proof = dialer.receive(change(answer, 2)).send as Uint8Array;
  const welcome = acceptor.receive(change(proof, 3));
  return { accepted: welcome.done, dialed: dialer.receive(change(welcome.send as Uint8Array, 4)).done };
}

describe("the handshake of links", () => {
  it("tells both sides who the other is and in which life", () => {
    assert.deepEqual(run(identity("a2"), identity("a1", { incarnation: 8 })), {
      accepted: { peer: "a2", incarnation: 3 },
      dialed: { peer: "a1", incarnation: 8 },
    });
  });

  it("refuses either side with another key than the roster's", () => {
    const stranger = privateKeyOf(makeKeys().privateKey);
    assert.throws(() => run(identity("a2", { privateKey: stranger }), identity("a1")), /does not have the key of a2/);
    assert.throws(() => run(identity("a2"), identity("a1", { privateKey: stranger })), /does not have the key of a1/);
  });

  it("refuses an answer that was given in another handshake", () => {
    const recorded: Uint8Array[] = [];
    run(identity("a2"), identity("a1"), (message) => {
      recorded.push(message);
      return message;
    });
    const replay = (number: number) => (message: Uint8Array, at: number) =>
      at === number ? (recorded[number - 1] as Uint8Array) : message;
    for (const number of [2, 3])
      assert.throws(() => run(identity("a2"), identity("a1"), replay(number)), HandshakeRefused);
  });

  it("does not let an agent's own answer be sent back to it as another's proof", () => {
    const acceptor = acceptorHandshake(identity("a1"));
    const answer = acceptor.receive(dialerHandshake(identity("a2"), "a1").opening).send as Uint8Array;
    const signature = answer.subarray(answer.length - 64);
    assert.throws(() => acceptor.receive(Uint8Array.of(3, ...signature)), HandshakeRefused);
  });

  it("refuses messages out of turn, a welcome before a proof among them", () => {
    assert.throws(() => dialerHandshake(identity("a2"), "a1").receive(Uint8Array.of(4)), HandshakeRefused);
    assert.throws(() => acceptorHandshake(identity("a1")).receive(Uint8Array.of(3)), HandshakeRefused);
  });

  it("succeeds with no bit of any message flipped, and meets any bytes with a refusal", () => {
    for (const number of [1, 2, 3, 4]) {
      const flip = (at: number) => (message: Uint8Array, which: number) => {
        if (which !== number) return message;
        const flipped = message.slice();
        const place = at % flipped.length;
        flipped[place] = (flipped[place] as number) ^ 1;
        return flipped;
      };
      for (let at = 0; at < 140; at += 3)
        assert.throws(
          () => run(identity("a2"), identity("a1"), flip(at)),
          (error) => error instanceof HandshakeRefused || error instanceof MalformedBytes,
        );
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const side of [acceptorHandshake(identity("a1")), dialerHandshake(identity("a2"), "a1")])
          try {
            assert.equal(side.receive(bytes).done, undefined);
          } catch (error) {
            assert.ok(error instanceof HandshakeRefused || error instanceof MalformedBytes, String(error));
          }
      }),
    );
  });
});
