import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ClientResult, WriteOperation } from "../../server/contract/client.ts";
import { Cluster } from "./cluster.ts";
import { code, put, refusal, submit, version } from "./operations.ts";

const WRITE = { session: "s", sequence: 1 } as const;

function outcome(of: WriteOperation, more: object = {}) {
  return { op: "outcome", of, ...WRITE, ...more } as const;
}

function answer(cluster: Cluster, id: string, request: number): ClientResult | undefined {
  return cluster.node(id).answers.get(request);
}

for (const consensus of ["pbft", "raft"] as const) {
  describe(`what a write came to, asked of agents that decide by ${consensus}`, () => {
    const swarm = (options: object = {}): Cluster => {
      const cluster = new Cluster({ size: 4, consensus, ...options });
      cluster.elect();
      return cluster;
    };

    it("is told by each of them when it is applied there, as to the one that was asked for it", () => {
      const cluster = swarm();
      const asked = cluster.ids.map((id) => ({ id, request: cluster.send(id, outcome("put")) }));
      cluster.run(200);
      for (const { id, request } of asked)
        assert.equal(answer(cluster, id, request), undefined, "nothing is known yet");
      const write = cluster.send("a2", { ...put("k", "1"), ...WRITE });
      cluster.until("all answer", () => asked.every(({ id, request }) => answer(cluster, id, request) !== undefined));
      cluster.until("the write is answered", () => answer(cluster, "a2", write) !== undefined);
      for (const { id, request } of asked) assert.deepEqual(answer(cluster, id, request), answer(cluster, "a2", write));
    });

    it("is told at once while it is remembered, and then that it is forgotten", () => {
      const cluster = swarm();
      const written = version(cluster.ask("a2", { ...put("k", "1"), ...WRITE }));
      cluster.run(200);
      for (const id of cluster.ids) {
        const before = cluster.now;
        assert.equal(version(cluster.ask(id, outcome("put"))), written);
        assert.ok(cluster.now - before < 50);
      }
      cluster.ask("a2", { ...put("k", "2"), session: "s", sequence: 2, firstUnanswered: 2 });
      cluster.run(200);
      for (const id of cluster.ids) assert.equal(code(cluster.ask(id, outcome("put"))), "sessionExpired");
    });

    it("is proposed by nobody: without the write there is no entry, and a timeout says so", () => {
      const cluster = swarm();
      cluster.run(500);
      const before = cluster.agent("a1").machine.index;
      const asked = cluster.send("a2", outcome("put", { timeoutMs: 300 }));
      cluster.run(299);
      assert.equal(answer(cluster, "a2", asked), undefined);
      cluster.run(50);
      assert.match(refusal(answer(cluster, "a2", asked) as ClientResult), /^timeout: the write was not applied here/);
      assert.equal(cluster.agent("a1").machine.index, before);
      cluster.ask("a1", { ...put("k", "1"), ...WRITE });
      assert.equal([...cluster.node("a2").answers.keys()].filter((id) => id === asked).length, 1);
    });

    it("of tasks is what the write itself is answered: created, done, refused", () => {
      const cluster = swarm();
      const steps = [
        [submit("t"), outcome("submitTask", { taskId: "t" })],
        [submit("t", { command: "false" }), outcome("submitTask", { taskId: "t", sequence: 2 })],
        [{ op: "cancelTask", taskId: "u" } as const, outcome("cancelTask", { taskId: "u", sequence: 3 })],
      ] as const;
      for (const [at, [write, question]] of steps.entries()) {
        const direct = cluster.ask("a2", { ...write, session: "s", sequence: at + 1 });
        assert.equal(code(direct), at === 0 ? "ok" : "refused");
        assert.deepEqual(cluster.ask("a3", question), direct);
      }
    });

    it("is told by one that was away and got the others' state instead of the entry", () => {
      const cluster = swarm({ snapshotEveryEntries: 8, snapshotEveryBytes: 4096 });
      cluster.node("a4").kill();
      const written = version(cluster.ask("a2", { ...put("k", "1"), ...WRITE }));
      // So many that nobody has the entry any more.
      for (let at = 0; at < 300; at++) version(cluster.ask("a2", put(`k${at}`, "x".repeat(50))));
      cluster.node("a4").start();
      const asked = cluster.send("a4", outcome("put", { timeoutMs: 60_000 }));
      assert.equal(answer(cluster, "a4", asked), undefined);
      cluster.until("a4 answers", () => answer(cluster, "a4", asked) !== undefined, 30_000);
      assert.equal(version(answer(cluster, "a4", asked) as ClientResult), written);
      const kind = consensus === "raft" ? "snapshotInstalled" : "stateInstalled";
      const installed = cluster.node("a4").events.map(({ kind }) => kind);
      assert.ok(installed.includes(kind as never), [...new Set(installed)].join());
    });

    it("is asked for in vain of one that stops, and of nobody's connection any more", () => {
      const cluster = swarm();
      const gone = cluster.send("a3", outcome("put"));
      cluster.agent("a3").clientGone(1);
      const asked = cluster.send("a2", outcome("put"));
      cluster.agent("a2").leave(cluster.now);
      cluster.until("a2 answers", () => answer(cluster, "a2", asked) !== undefined);
      assert.equal(code(answer(cluster, "a2", asked) as ClientResult), "stopping");
      cluster.ask("a3", { ...put("k", "1"), ...WRITE });
      assert.equal(answer(cluster, "a3", gone), undefined);
    });
  });
}
