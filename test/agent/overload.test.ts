import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { answerBytes } from "../../server/agent/answers.ts";
import { Clients, MAX_ANSWER_BYTES_A_TURN, MAX_WAITING } from "../../server/agent/clients.ts";
import { Machine } from "../../server/agent/machine.ts";
import type { ClientOperation, ClientRequest } from "../../server/contract/client.ts";

/** The clients of an agent without anything around it. */
class Desk {
  readonly machine = new Machine();
  readonly clients = new Clients(this.machine, {
    name: "a1.1",
    writeRetryMs: 1200,
    refusedRetryMs: 60,
    keepsProposals: false,
    ordered: true,
    members: () => ({ members: ["a1"], voters: ["a1"] }),
    refusal: () => undefined,
    counts: () => true,
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

  it("keeps nothing of requests that were given up while there was no leader", () => {
    const desk = new Desk();
    desk.ask({ op: "put", namespace: "n", key: "k", value: new Uint8Array(9), timeoutMs: 10 });
    desk.ask({ op: "get", namespace: "n", key: "k", timeoutMs: 10 });
    assert.equal(desk.clients.retryMs(), Number.NEGATIVE_INFINITY, "they wait for a leader");
    desk.nowMs += 20;
    desk.clients.expire(desk.nowMs, false);
    assert.deepEqual(desk.codes(), new Map([["unavailable", 2]]));
    assert.equal(desk.clients.retryMs(), Number.POSITIVE_INFINITY, "nothing waits any more");
    assert.deepEqual(desk.clients.takeCommands(desk.nowMs), []);
  });

  it("keeps nothing of requests whose client left while there was no leader", () => {
    const desk = new Desk();
    desk.ask({ op: "put", namespace: "n", key: "k", value: new Uint8Array(9) });
    desk.ask({ op: "get", namespace: "n", key: "k" });
    desk.clients.gone(1);
    assert.equal(desk.clients.retryMs(), Number.POSITIVE_INFINITY);
    assert.equal(desk.clients.expiryMs(), Number.POSITIVE_INFINITY);
  });

  it("counts everybody who waits for one and the same write", () => {
    const desk = new Desk();
    const write = { op: "delete", namespace: "n", key: "k", session: "s", sequence: 1, timeoutMs: 1000 } as const;
    for (let at = 0; at < MAX_WAITING + 5; at++) desk.ask(write);
    assert.deepEqual(desk.codes(), new Map([["overloaded", 5]]));
    desk.nowMs += 2000;
    desk.clients.expire(desk.nowMs, false);
    assert.deepEqual(desk.codes(), new Map([["unavailable", MAX_WAITING]]));
    for (let at = 0; at < 5; at++) desk.ask(write);
    assert.deepEqual(desk.codes(), new Map(), "there is room again");
    desk.clients.gone(1);
    desk.ask(write);
    assert.deepEqual(desk.codes(), new Map());
  });

  it("says of a write in vain whether it was proposed, and whether there was a leader", () => {
    const write = { op: "delete", namespace: "n", key: "k", timeoutMs: 10 } as const;
    const said = (proposed: boolean, leaderKnown: boolean): string => {
      const desk = new Desk();
      desk.ask(write);
      if (proposed) desk.clients.takeCommands(desk.nowMs);
      desk.nowMs += 20;
      desk.clients.expire(desk.nowMs, leaderKnown);
      const [reply] = desk.clients.takeReplies();
      return reply?.result.ok === false ? `${reply.result.code}: ${reply.result.message}` : "";
    };
    assert.match(said(false, false), /^unavailable: no leader is known, so that nothing/);
    assert.match(said(false, true), /^unavailable: a leader became known too late for it, so that it was not proposed/);
    assert.match(said(true, false), /^unavailable: no leader is known any more; whether it was applied is unknown/);
    assert.match(said(true, true), /^timeout: no outcome in time; whether it was applied is unknown/);
  });
});
