import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { queryAnswer } from "../../server/agent/answers.ts";
import { Machine } from "../../server/agent/machine.ts";
import type { ClientResult } from "../../server/contract/client.ts";

function items(result: ClientResult): { readonly keys: readonly string[]; readonly more: boolean } {
  assert.ok(result.ok && result.value.type === "items", JSON.stringify(result).slice(0, 200));
  return { keys: result.value.items.map(({ key }) => key), more: result.value.more };
}

describe("an answer that is cut", () => {
  const put = (machine: Machine, index: number, key: string, bytes: number, ttlMs = 0) =>
    machine.memory.apply({ type: "put", namespace: "n", key, value: new Uint8Array(bytes), ttlMs }, index, 1000);
  const list = (machine: Machine, limit: number, after = "", timeMs = 1000) =>
    items(queryAnswer({ type: "list", namespace: "n", prefix: "", limit, after }, machine, timeMs));

  it("holds as many items as were asked for, and says more when there are more, whatever has expired", () => {
    const machine = new Machine();
    put(machine, 1, "a", 1, 10);
    for (const [at, key] of ["b", "c", "d"].entries()) put(machine, 2 + at, key, 1);
    put(machine, 9, "e", 1, 10);
    assert.deepEqual(list(machine, 2, "", 5000), { keys: ["b", "c"], more: true });
    assert.deepEqual(list(machine, 3, "", 5000), { keys: ["b", "c", "d"], more: false });
    assert.deepEqual(list(machine, 3, "", 1001), { keys: ["a", "b", "c"], more: true });
  });

  it("of a list goes on behind its last key, until all was told once", () => {
    const machine = new Machine();
    const keys = Array.from({ length: 7 }, (_, at) => `k${at}`);
    for (const [at, key] of keys.entries()) put(machine, at + 1, key, 700_000);
    const seen: string[] = [];
    for (let more = true; more; ) {
      const page = list(machine, 1000, seen.at(-1));
      assert.ok(page.keys.length > 0 && page.keys.length < 4);
      seen.push(...page.keys);
      more = page.more;
    }
    assert.deepEqual(seen, keys);
  });

  it("of the tasks goes on before its first task, until all was told once", () => {
    const machine = new Machine();
    const ids = Array.from({ length: 300 }, (_, at) => `t${at}`);
    for (const [at, id] of ids.entries()) {
      const spec = { id, command: "x", args: ["y".repeat(16_000)], cwd: "", timeoutMs: 0, maxAttempts: 1, agent: "" };
      machine.tasks.apply({ type: "submit", spec }, at + 1, 1000);
    }
    let seen: string[] = [];
    let pages = 0;
    for (let more: boolean | undefined = true; more; pages++) {
      const result = queryAnswer({ type: "tasks", before: seen[0] ?? "" }, machine, 1000);
      assert.ok(result.ok && result.value.type === "tasks");
      seen = [...result.value.tasks.map(({ id }) => id), ...seen];
      more = result.value.more;
    }
    assert.deepEqual(seen, ids);
    assert.ok(pages > 1);
    const gone = queryAnswer({ type: "tasks", before: "gone" }, machine, 1000);
    assert.ok(!gone.ok && gone.code === "refused", "no silent end");
  });
});
