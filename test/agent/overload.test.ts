import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { answerBytes } from "../../server/agent/answers.ts";
import { Clients, MAX_ANSWER_BYTES_A_TURN } from "../../server/agent/clients.ts";
import { Machine } from "../../server/agent/machine.ts";
import type { ClientOperation, ClientRequest } from "../../server/contract/client.ts";

/** The clients of an agent without anything around it. */
class Desk {
  readonly machine = new Machine();
  readonly clients = new Clients(this.machine, {
    name: "a1.1",
    writeRetryMs: 1200,
    refusedRetryMs: 60,
    roster: ["a1"],
  });
  nowMs = 1000;
  #lastId = 0;

  ask(operation: ClientOperation & Partial<ClientRequest>): void {
    this.clients.request(1, { ...operation, id: ++this.#lastId } as ClientRequest, this.nowMs);
  }

  codes(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { result } of this.clients.takeReplies()) {
      const code = result.ok ? "ok" : result.code;
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    return counts;
  }

  store(count: number, bytes: number): void {
    for (let at = 1; at <= count; at++) {
      const value = new Uint8Array(bytes);
      this.machine.memory.apply({ type: "put", namespace: "n", key: `k${at}`, value, ttlMs: 0 }, at, 1000);
    }
  }
}

describe("an agent that is asked too much", () => {
  it("answers reads of one turn up to a bound, and the rest as overloaded", () => {
    const desk = new Desk();
    desk.store(1000, 1000);
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < 10_000; at++) desk.ask({ op: "list", namespace: "n", consistency: "local" });
      const replies = desk.clients.takeReplies();
      assert.equal(replies.length, 10_000);
      const answered = replies.filter(({ result }) => result.ok);
      assert.ok(answered.length > 10, `${answered.length} answered: each turn has its own bound`);
      const bytes = replies.reduce((sum, { result }) => sum + (result.ok ? answerBytes(result) : 0), 0);
      assert.ok(bytes < MAX_ANSWER_BYTES_A_TURN * 1.3, `${bytes} bytes`);
      for (const { result } of replies) assert.ok(result.ok || result.code === "overloaded");
    }
  });

  it("answers reads behind one barrier up to the same bound", () => {
    const desk = new Desk();
    desk.store(50, 1024 * 1024);
    for (let at = 1; at <= 50; at++) desk.ask({ op: "get", namespace: "n", key: `k${at}` });
    desk.clients.barriers([{ readId: desk.clients.takeBarrier(desk.nowMs) as number, index: 0 }], [], desk.nowMs);
    desk.clients.serveReads();
    const codes = desk.codes();
    assert.deepEqual([codes.get("ok"), codes.get("overloaded")], [32, 18]);
  });
});
