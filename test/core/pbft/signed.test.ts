import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { ByteReader, ByteWriter } from "../../../server/core/bytes.ts";
import { decodePbftMessage, encodePbftMessage } from "../../../server/core/pbft/codec.ts";
import {
  batchBytes,
  checkpointBytes,
  newViewBytes,
  orderBytes,
  readReplyBytes,
  requestBytes,
  viewChangeBytes,
} from "../../../server/core/pbft/signed.ts";
import type { Batch, PbftMessage, ViewChange } from "../../../server/core/pbft/types.ts";
import { of } from "../raft/arbitraries.ts";
import * as some from "./arbitraries.ts";

const DOMAIN = "agent-mesh pbft 1";
const digest = new Uint8Array(32).fill(7);
const kinds = ["prePrepare", "prepare", "commit"] as const;

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** Equal values have equal bytes, and no others do. */
function assertInjective<Value>(values: fc.Arbitrary<Value>, bytesOf: (value: Value) => Uint8Array): void {
  fc.assert(
    fc.property(values, values, (one, other) => {
      assert.equal(hex(bytesOf(one)), hex(bytesOf(structuredClone(one))));
      assert.equal(hex(bytesOf(one)) === hex(bytesOf(other)), isSame(one, other));
    }),
    { numRuns: 300 },
  );
}

function isSame(one: unknown, other: unknown): boolean {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

describe("what PBFT's signatures are over", () => {
  it("begins with the domain and a tag of its own for every kind of statement", () => {
    const given = fc.sample(fc.record({ request: some.request, batch: some.batch, viewChange: some.viewChange }), 1)[0];
    assert.ok(given !== undefined);
    const statements = [
      ...kinds.map((kind) => orderBytes(kind, 1, 2, digest)),
      checkpointBytes(2, digest),
      readReplyBytes("a1", 1, 2, 3),
      ...[
        () => requestBytes(given.request),
        () => viewChangeBytes(given.viewChange),
        () => newViewBytes(1, [], []),
        () => batchBytes(given.batch),
      ].map((write) => write().slice()),
    ];
    const tags = new Set<number>();
    for (const bytes of statements) {
      assert.equal(Buffer.from(bytes.subarray(0, DOMAIN.length)).toString(), DOMAIN);
      tags.add(bytes[DOMAIN.length] as number);
    }
    assert.equal(tags.size, 9);
    assert.equal(statements.length, 9);
  });

  it("differs wherever a statement differs, down to where one field ends and the next begins", () => {
    const order = fc.tuple(fc.constantFrom(...kinds), fc.nat(3), fc.nat(300), fc.nat(1));
    assertInjective(order, ([kind, view, seq, which]) => orderBytes(kind, view, seq, new Uint8Array(32).fill(which)));
    const place = fc.tuple(fc.nat(300), fc.nat(1));
    assertInjective(place, ([seq, which]) => checkpointBytes(seq, new Uint8Array(32).fill(which)));
    const tiny = fc.array(fc.uint8Array({ max: 2, maxLength: 2 }), { maxLength: 2 });
    const request = of({
      origin: fc.constantFrom("a", "aa"),
      life: fc.nat(1),
      number: fc.nat(1),
      floor: fc.nat(1),
      commands: tiny,
      signature: fc.constant(new Uint8Array(64)),
    });
    assertInjective(request, requestBytes);
    const batch: fc.Arbitrary<Batch> = of({
      view: fc.nat(1),
      timeMs: fc.nat(1),
      requests: fc.array(request, { maxLength: 2 }),
    });
    assertInjective(batch, batchBytes);
    const unsigned = some.viewChange.map(({ signature: _, ...rest }) => rest);
    assertInjective(unsigned, viewChangeBytes);
    const newView = fc.tuple(fc.nat(1), some.namedViewChanges, some.reproposals);
    assertInjective(newView, ([view, viewChanges, reproposals]) => newViewBytes(view, viewChanges, reproposals));
  });

  it("notices a form in which two statements have the same bytes", () => {
    const careless = ([kind, view]: readonly [string, number]): Uint8Array => Uint8Array.of(kind.charCodeAt(0), view);
    assert.throws(() => assertInjective(fc.tuple(fc.constantFrom(...kinds), fc.nat(3)), careless));
  });

  it("has the requests' signatures in a batch's digest, and no signature of its own in a request's or a view change's", () => {
    fc.assert(
      fc.property(some.request, some.viewChange, (request, viewChange) => {
        const forged = {
          ...request,
          signature: Uint8Array.of(...request.signature.subarray(0, 63), 0, 1).subarray(0, 64),
        };
        const batchOf = (one: typeof request): Batch => ({ view: 1, timeMs: 1, requests: [one] });
        assert.equal(
          hex(batchBytes(batchOf(request))) === hex(batchBytes(batchOf(forged))),
          isSame([...request.signature], [...forged.signature]),
        );
        assert.equal(hex(requestBytes(request)), hex(requestBytes(forged)));
        const unsigned: ViewChange = { ...viewChange, signature: new Uint8Array() };
        assert.equal(hex(viewChangeBytes(viewChange)), hex(viewChangeBytes(unsigned)));
      }),
    );
  });

  it("is the same for a message that was sent in a longer form", () => {
    const sent: PbftMessage = { type: "prepare", view: 1, seq: 2, digest, signature: digest, prePrepare: digest };
    const writer = new ByteWriter();
    encodePbftMessage(writer, sent);
    const bytes = writer.finish();
    // The view, 1, as a varint of two bytes.
    const longer = Uint8Array.of(...bytes.subarray(0, 1), 0x81, 0x00, ...bytes.subarray(2));
    const read = decodePbftMessage(new ByteReader(longer));
    assert.deepEqual(read, sent);
    assert.ok(read.type === "prepare");
    assert.deepEqual(orderBytes("prepare", read.view, read.seq, read.digest), orderBytes("prepare", 1, 2, digest));
  });

  it("stays as it was for orders and checkpoints, whatever is written after", () => {
    const written = [orderBytes("commit", 3, 4, digest), checkpointBytes(5, digest)];
    const before = written.map(hex);
    fc.assert(
      fc.property(some.batch, some.viewChange, (batch, viewChange) => {
        batchBytes(batch);
        viewChangeBytes(viewChange);
        orderBytes("prepare", 9, 9, digest);
        assert.deepEqual(written.map(hex), before);
      }),
    );
  });
});
