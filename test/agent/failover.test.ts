import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "mocha";
import type { Agent } from "../../server/agent/agent.ts";
import { DEFAULT_TIMEOUT_MS } from "../../server/agent/requests.ts";
import type { ClientResult } from "../../server/contract/client.ts";
import { TIMING } from "../../server/meshfile/timing.ts";
import { Cluster } from "./cluster.ts";
import { code, get, put, stored, submit, version } from "./operations.ts";

describe("writes of clients", () => {
  it("are applied once however often they are retried, and answered the same", () => {
    const cluster = new Cluster({ size: 3 });
    const follower = cluster.follower();
    const leader = cluster.leader as string;
    const write = { ...put("k", "1"), session: "s", sequence: 1 };
    const first = version(cluster.ask(leader, write));
    assert.equal(version(cluster.ask(follower, write)), first, "the answer of the first time");
    version(cluster.ask(leader, { ...put("k", "2"), session: "s", sequence: 2 }));
    assert.equal(version(cluster.ask(follower, write)), first);
    assert.equal(stored(cluster.ask(leader, get("k"))), "2", "the first write was not applied again");
  });

  it("are applied once when they are asked for at all agents at the same time", () => {
    const cluster = new Cluster({ size: 5 });
    cluster.elect();
    const write = {
      op: "compareAndSet",
      namespace: "n",
      key: "k",
      expectedVersion: 0,
      value: Uint8Array.of(1),
    } as const;
    const asked = cluster.ids.map((id) => ({ id, request: cluster.send(id, { ...write, session: "s", sequence: 1 }) }));
    cluster.until("all answer", () => asked.every(({ id, request }) => cluster.node(id).answers.has(request)));
    const answers = asked.map(({ id, request }) => JSON.stringify(cluster.node(id).answers.get(request)));
    assert.equal(new Set(answers).size, 1, answers.join());
    assert.match(answers[0] as string, /written/);
  });

  it("that are lost on the way to the leader are proposed again well before a client's patience ends, also at the slowest pace", () => {
    const cluster = new Cluster({ size: 3, timing: TIMING.seed });
    cluster.run(60_000);
    const follower = cluster.follower();
    const leader = cluster.leader as string;
    cluster.passes = (from, to) => from !== follower || to !== leader;
    const request = cluster.send(follower, put("k", "1"));
    cluster.run(50);
    cluster.passes = () => true;
    const answered = (): boolean => cluster.node(follower).answers.has(request);
    assert.ok(cluster.until("the write is answered", answered) < DEFAULT_TIMEOUT_MS / 4);
    version(cluster.node(follower).answers.get(request) as ClientResult);
  });

  it("whose answer is forgotten are refused rather than applied again", () => {
    const cluster = new Cluster({ size: 3 });
    const leader = cluster.elect();
    version(cluster.ask(leader, { ...put("k", "1"), session: "s", sequence: 1 }));
    version(cluster.ask(leader, { ...put("k", "2"), session: "s", sequence: 2, firstUnanswered: 2 }));
    assert.equal(code(cluster.ask(leader, { ...put("k", "1"), session: "s", sequence: 1 })), "sessionExpired");
    const stranger = { ...put("k", "3"), session: "unknown", sequence: 9, firstUnanswered: 9 };
    assert.equal(code(cluster.ask(leader, stranger)), "sessionExpired");
    assert.equal(stored(cluster.ask(leader, get("k"))), "2");
  });

  it("survive the loss of the leader: asked at a follower, they are proposed to the next one", () => {
    const cluster = new Cluster({ size: 5 });
    const follower = cluster.follower();
    const leader = cluster.leader as string;
    version(cluster.ask(follower, put("before", "1")));
    // What the leader sends no longer arrives: it takes the write and cannot commit it.
    cluster.passes = (from) => from !== leader;
    const request = cluster.send(follower, put("during", "2"));
    cluster.run(20);
    cluster.node(leader).kill();
    cluster.passes = () => true;
    cluster.until("the write is answered", () => cluster.node(follower).answers.has(request));
    assert.equal(code(cluster.node(follower).answers.get(request) as never), "ok");
    assert.notEqual(cluster.elect(), leader);
    assert.equal(stored(cluster.ask(follower, get("before"))), "1");
    assert.equal(stored(cluster.ask(follower, get("during"))), "2");
  });

  it("and reads wait while there is no leader, and are refused when there is none in time", () => {
    const cluster = new Cluster({ size: 3 });
    const asked = cluster.follower();
    // For a moment, so that it forgets its leader and does not hold itself for cut off yet.
    cluster.passes = () => false;
    cluster.until("no leader is known", () => cluster.agent(asked).consensusStatus.leader === "");
    assert.equal(code(cluster.ask(asked, { ...put("k", "1"), timeoutMs: 50 })), "unavailable");
    assert.equal(code(cluster.ask(asked, { ...get("k"), timeoutMs: 50 })), "unavailable");
    assert.equal(stored(cluster.ask(asked, { ...get("k"), consistency: "local" })), null, "a local read needs nobody");
    const request = cluster.send(asked, put("k", "2"));
    const read = cluster.send(asked, get("k"));
    cluster.run(50);
    cluster.passes = () => true;
    cluster.until("both are answered", () => [request, read].every((id) => cluster.node(asked).answers.has(id)));
    for (const id of [request, read]) assert.equal(code(cluster.node(asked).answers.get(id) as never), "ok");
  });

  it("end with a timeout when a leader took them and could not commit them", () => {
    const cluster = new Cluster({ size: 3 });
    const leader = cluster.elect();
    cluster.passes = (from) => from === leader;
    assert.equal(code(cluster.ask(leader, { ...put("k", "1"), timeoutMs: 100 })), "timeout");
  });

  it("without a session of their own are applied once too", () => {
    const cluster = new Cluster({ size: 3 });
    const follower = cluster.follower();
    const leader = cluster.leader as string;
    // The follower hears nothing of its write's fate, and proposes it again.
    cluster.passes = (from, to) => !(from === leader && to === follower);
    const request = cluster.send(follower, {
      op: "compareAndSet",
      namespace: "n",
      key: "k",
      expectedVersion: 0,
      value: Uint8Array.of(1),
    });
    cluster.run(1000);
    cluster.passes = () => true;
    cluster.until("it is answered", () => cluster.node(follower).answers.has(request));
    const answer = cluster.node(follower).answers.get(request);
    assert.ok(answer?.ok && answer.value.type === "written", JSON.stringify(answer));
  });

  it("are answered when the agent stops, and refused afterwards", () => {
    const cluster = new Cluster({ size: 3 });
    const leader = cluster.elect();
    cluster.passes = () => false;
    const request = cluster.send(leader, put("k", "1"));
    cluster.run(10);
    cluster.agent(leader).leave(cluster.now);
    cluster.run(10);
    assert.equal(code(cluster.node(leader).answers.get(request) as never), "stopping");
    assert.equal(code(cluster.ask(leader, get("k"))), "stopping");
  });

  it("are refused when too many wait, and taken again when they do not", () => {
    const cluster = new Cluster({ size: 3 });
    const leader = cluster.elect();
    cluster.passes = () => false;
    const requests = Array.from({ length: 16_385 }, (_, at) => cluster.send(leader, put(`k${at}`, "")));
    cluster.run(1);
    assert.equal(code(cluster.node(leader).answers.get(requests.at(-1) as number) as never), "overloaded");
    assert.equal(cluster.node(leader).answers.size, 1);
    cluster.passes = () => true;
    cluster.until("all are answered", () => cluster.node(leader).answers.size === requests.length, 60_000);
    const codes = requests.map((request) => code(cluster.node(leader).answers.get(request) as never));
    assert.equal(codes.filter((one) => one === "ok").length, 16_384);
    assert.equal(code(cluster.ask(leader, put("k", "1"))), "ok");
  });

  it("need no answer when their connection is gone", () => {
    const cluster = new Cluster({ size: 3 });
    const leader = cluster.elect();
    const requests = [cluster.send(leader, put("k", "1")), cluster.send(leader, get("k"))];
    cluster.agent(leader).clientGone(1);
    cluster.run(1000);
    for (const request of requests) assert.equal(cluster.node(leader).answers.has(request), false);
  });
});

describe("an agent that restarts", () => {
  it("has the same state as the others, from its own log", () => {
    const cluster = new Cluster({ size: 3 });
    const leader = cluster.elect();
    for (let at = 0; at < 50; at++) version(cluster.ask(leader, put(`k${at % 20}`, `v${at}`)));
    cluster.ask(leader, submit("t"));
    cluster.run(1000);
    const before = cluster.agent(leader).snapshot();
    const { index } = cluster.agent(leader).machine;
    for (const id of cluster.ids) cluster.node(id).kill();
    cluster.run(10);
    for (const id of cluster.ids) cluster.node(id).start();
    cluster.elect();
    cluster.run(500);
    const [first, ...others] = cluster.up.map(({ agent }) => (agent as Agent).snapshot());
    for (const other of others) assert.deepEqual(other, first);
    for (const { agent } of cluster.up) assert.ok((agent as Agent).machine.index >= index);
    const read = new Cluster({ size: 1 }).agent("a1").machine;
    read.restore(before);
    assert.deepEqual(read.snapshot(), before, "a snapshot restores to itself");
    for (let at = 30; at < 50; at++) assert.equal(stored(cluster.ask("a2", get(`k${at % 20}`))), `v${at}`);
  });

  it("forgets what was not durable, and nothing acknowledged is lost", () => {
    const cluster = new Cluster({ size: 3 });
    const leader = cluster.elect();
    version(cluster.ask(leader, put("k", "kept")));
    cluster.send(leader, put("k", "lost"));
    for (const id of cluster.ids) cluster.node(id).kill();
    for (const id of cluster.ids) cluster.node(id).start();
    cluster.elect();
    assert.equal(stored(cluster.ask("a1", get("k"))), "kept");
  });
});

describe("the same inputs", () => {
  function trace(seed: string): string {
    const hash = createHash("sha256");
    const cluster = new Cluster({ size: 5, topology: "ring", seed });
    cluster.onFrame = (from, to, frame) => hash.update(`${cluster.now} ${from} ${to} `).update(frame);
    cluster.elect();
    for (let at = 0; at < 20; at++) cluster.send(`a${(at % 5) + 1}`, put(`k${at % 7}`, `v${at}`));
    for (let at = 0; at < 3; at++) cluster.send("a1", submit(`t${at}`));
    cluster.run(300);
    cluster.node(cluster.leader as string).kill();
    cluster.run(2000);
    for (const { id, agent, events } of cluster.up) {
      hash.update((agent as Agent).snapshot()).update(JSON.stringify(agent?.report(cluster.now)));
      hash.update(JSON.stringify(events)).update(JSON.stringify([...cluster.node(id).answers]));
    }
    return hash.digest("hex");
  }

  it("give the same frames, events, answers and state, to the last bit", () => {
    assert.equal(trace("one"), trace("one"));
    assert.notEqual(trace("one"), trace("two"));
  });

  it("give the same frames whether or not anybody watches", () => {
    const frames = (watched: boolean): string => {
      const hash = createHash("sha256");
      const cluster = new Cluster({ size: 3 });
      for (const { id } of cluster.up) Object.assign(cluster.node(id), { observing: () => watched });
      cluster.onFrame = (_from, _to, frame) => hash.update(frame);
      cluster.elect();
      version(cluster.ask("a1", put("k", "v")));
      const seen = cluster.node("a1").events.filter(({ kind }) => kind !== "started");
      assert.equal(seen.length > 0, watched);
      return hash.digest("hex");
    };
    assert.equal(frames(true), frames(false));
  });
});
