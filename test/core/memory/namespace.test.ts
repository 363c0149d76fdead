import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Namespace } from "../../../server/core/memory/namespace.ts";
import type { MemoryItem } from "../../../server/core/memory/types.ts";

function itemOf(key: string, version: number): MemoryItem {
  return { namespace: "n", key, value: new Uint8Array(0), version, expiresAtMs: 0 };
}

function listed(namespace: Namespace): string[] {
  return namespace.list("", Number.POSITIVE_INFINITY).map(({ key, version }) => `${key} ${version}`);
}

describe("a namespace's list", () => {
  it("has the key that was put last, however many came and went since somebody listed", () => {
    // The keys that came and went are sorted now and then, so that they do not pile up: around these times.
    for (const [kept, least] of [
      [0, 1000],
      [3, 1000],
      [700, 680],
    ] as const) {
      for (let times = least; times < least + 50; times++) {
        const namespace = new Namespace();
        for (let at = 0; at < kept; at++) namespace.set(itemOf(`a${1000 + at}`, 1));
        for (let version = 1; version <= times; version++) {
          namespace.delete("k");
          namespace.set(itemOf("k", version));
        }
        const all = Array.from({ length: kept }, (_, at) => `a${1000 + at} 1`);
        assert.deepEqual(listed(namespace), [...all, `k ${times}`], `after ${times} times, with ${kept} others`);
      }
    }
  });

  it("has neither a key twice that was put again nor one that was deleted", () => {
    const namespace = new Namespace();
    for (const key of ["c", "a", "b"]) namespace.set(itemOf(key, 1));
    assert.deepEqual(listed(namespace), ["a 1", "b 1", "c 1"]);
    namespace.delete("b");
    namespace.delete("a");
    namespace.set(itemOf("a", 2));
    assert.deepEqual(listed(namespace), ["a 2", "c 1"]);
  });
});
