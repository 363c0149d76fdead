import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { MalformedBytes } from "../../../server/core/bytes.ts";
import { decodeMemoryCommand, encodeMemoryCommand } from "../../../server/core/memory/codec.ts";
import {
  checkMemoryCommand,
  MAX_KEY_BYTES,
  MAX_NAMESPACE_BYTES,
  MAX_TTL_MS,
  MAX_VALUE_BYTES,
} from "../../../server/core/memory/limits.ts";
import type { MemoryCommand } from "../../../server/core/memory/types.ts";
import { assertOnlyMalformed, assertRoundTrips } from "../codec-properties.ts";
import { anyCommand } from "./arbitraries.ts";

const codec = { encode: encodeMemoryCommand, decode: decodeMemoryCommand };

function put(fields: { namespace?: string; key?: string; value?: Uint8Array; ttlMs?: number }): MemoryCommand {
  return { type: "put", namespace: "n", key: "k", value: Uint8Array.of(1), ttlMs: 0, ...fields };
}

describe("the binary form of memory commands", () => {
  it("gives back every command", () => assertRoundTrips(codec, anyCommand));
  it("answers bytes from outside with a command or MalformedBytes", () => assertOnlyMalformed(codec, anyCommand));

  const atTheLimit = put({
    namespace: "é".repeat(MAX_NAMESPACE_BYTES / 2),
    key: "k".repeat(MAX_KEY_BYTES),
    value: new Uint8Array(MAX_VALUE_BYTES),
    ttlMs: MAX_TTL_MS,
  });
  it("carries what is exactly at the limits", () => {
    assert.equal(checkMemoryCommand(atTheLimit), undefined);
    assert.deepEqual(decodeMemoryCommand(encodeMemoryCommand(atTheLimit)), atTheLimit);
  });

  const refused: [string, MemoryCommand, RegExp][] = [
    ["an empty namespace", put({ namespace: "" }), /the namespace is empty/],
    ["an empty key", put({ key: "" }), /the key is empty/],
    [
      "a long namespace",
      put({ namespace: "é".repeat(MAX_NAMESPACE_BYTES / 2 + 1) }),
      /namespace is longer than the 256/,
    ],
    ["a long key", put({ key: "k".repeat(MAX_KEY_BYTES + 1) }), /key is longer than the 1024/],
    ["a large value", put({ value: new Uint8Array(MAX_VALUE_BYTES + 1) }), /1048577 bytes; at most 1048576/],
    ["a negative time to live", put({ ttlMs: -1 }), /time to live is -1 ms/],
    ["a fractional time to live", put({ ttlMs: 0.5 }), /time to live is 0.5 ms/],
    ["an endless time to live", put({ ttlMs: Number.POSITIVE_INFINITY }), /time to live is Infinity/],
    ["half a surrogate pair", put({ key: "\ud83d" }), /not valid Unicode/],
    ["an increment of nothing", { type: "increment", namespace: "n", key: "k", by: 0 }, /increment is 0; give a whole/],
    ["a large increment", { type: "increment", namespace: "n", key: "k", by: 2 ** 31 + 1 }, /increment is 2147483649/],
    ["a fractional increment", { type: "increment", namespace: "n", key: "k", by: 0.5 }, /increment is 0.5/],
    ["an empty element", { type: "add", namespace: "n", key: "k", element: "", replaces: [] }, /element is empty/],
    [
      "a long element",
      { type: "remove", namespace: "n", key: "k", element: "x".repeat(257), replaces: [] },
      /element is longer than the 256/,
    ],
    [
      "a version that is none",
      { type: "compareAndSet", namespace: "n", key: "k", expectedVersion: -1, value: new Uint8Array(), ttlMs: 0 },
      /expected version is -1/,
    ],
  ];
  for (const [what, command, sentence] of refused) {
    it(`refuses ${what} with a sentence, before it reaches the log`, () => {
      assert.match(checkMemoryCommand(command) ?? "", sentence);
      assert.throws(() => encodeMemoryCommand(command), RangeError);
    });
  }

  it("refuses an unknown command, and one with something behind it", () => {
    assert.throws(() => decodeMemoryCommand(Uint8Array.of(9, 1, 97, 1, 97)), MalformedBytes);
    assert.throws(() => decodeMemoryCommand(Uint8Array.of(2, 1, 97, 1, 97, 0)), MalformedBytes);
  });
});
