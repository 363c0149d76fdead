import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { compareHlc } from "../../server/agent/clock.ts";
import { EVENT_KINDS, MESSAGE_TYPES, type TimelineEvent } from "../../server/contract/timeline.ts";
import { Cluster } from "./cluster.ts";
import { get, put, submit } from "./operations.ts";

/** A busy life: an election, writes, reads, a task, a loss, another election. */
function busy(): Cluster {
  const cluster = new Cluster({ size: 5, topology: "ring" });
  const follower = cluster.follower();
  for (let at = 0; at < 10; at++) assert.ok(cluster.ask(follower, put(`k${at}`, "v")).ok);
  assert.ok(cluster.ask(follower, get("k1")).ok);
  assert.ok(cluster.ask(follower, submit("t")).ok);
  cluster.run(500);
  cluster.node(cluster.leader as string).kill();
  cluster.run(3000);
  cluster.elect();
  return cluster;
}

function eventsOf(cluster: Cluster): TimelineEvent[] {
  return [...cluster.nodes.values()].flatMap(({ events }) => events);
}

describe("the timeline", () => {
  const cluster = busy();
  const events = eventsOf(cluster);
  const byId = new Map(events.map((event) => [event.id, event]));

  it("names every event once, without gaps in a life", () => {
    assert.equal(byId.size, events.length);
    for (const { id, events: own } of cluster.nodes.values())
      for (const [at, event] of own.entries()) assert.equal(event.id, `${id}.1:${at + 1}`);
  });

  it("knows kinds and message types of its contract only", () => {
    for (const { kind, message } of events) {
      assert.ok(EVENT_KINDS.includes(kind), kind);
      if (message !== undefined) assert.ok(MESSAGE_TYPES.includes(message.type), message.type);
    }
  });

  it("leads from every receipt to its sending, which lies before it", () => {
    const receipts = events.filter(({ kind }) => kind === "receive");
    assert.ok(receipts.length > 100);
    for (const receipt of receipts) {
      const sending = byId.get(receipt.cause ?? "");
      assert.ok(sending !== undefined, `${receipt.id} has the cause ${receipt.cause}`);
      assert.equal(sending.kind, "send");
      assert.deepEqual(receipt.message, sending.message);
      assert.equal(receipt.message?.to, receipt.agent);
      assert.equal(sending.message?.from, sending.agent);
    }
  });

  it("stamps every event later than its cause, and each agent's in their order", () => {
    for (const event of events) {
      if (event.cause === undefined) continue;
      const cause = byId.get(event.cause);
      assert.ok(cause !== undefined, `${event.id} has the cause ${event.cause}`);
      assert.ok(compareHlc(cause.hlc, event.hlc) < 0, `${event.cause} before ${event.id}`);
    }
    for (const { events: own } of cluster.nodes.values())
      for (const [at, event] of own.entries())
        if (at > 0) assert.ok(compareHlc((own[at - 1] as TimelineEvent).hlc, event.hlc) < 0);
  });

  it("puts an election down to the silence that began it", () => {
    const elected = events.filter(({ kind }) => kind === "becameLeader");
    assert.ok(elected.length >= 2);
    for (const event of elected) {
      const kinds: string[] = [];
      for (let at: TimelineEvent | undefined = event; at !== undefined; at = byId.get(at.cause ?? ""))
        kinds.push(at.message?.type ?? at.kind);
      assert.equal(kinds.at(-1), "electionTimedOut", kinds.join(" < "));
      assert.ok(kinds.includes("preVote"), kinds.join(" < "));
    }
  });

  it("tells a message's fields as people read them", () => {
    const append = events.find(({ message }) => message?.type === "append" && message.fields.count === 1);
    const { prevIndex, entries } = append?.message?.fields ?? {};
    assert.equal(entries, String(Number(prevIndex) + 1));
    assert.ok((append?.message?.bytes ?? 0) > 0);
    const grant = events.find(({ message }) => message?.type === "voteReply");
    assert.equal(typeof grant?.message?.fields.granted, "boolean");
  });

  it("shows what the agent was right after each event", () => {
    for (const { kind, state, fields } of events) {
      assert.ok(state !== undefined);
      if (kind !== "becameLeader") continue;
      assert.equal(state.role, "leader");
      assert.equal(state.term, fields.term);
    }
  });

  it("follows a task from its lease to its end", () => {
    const ended = events.filter(({ kind }) => kind === "taskEnded");
    assert.equal(ended.length, 1);
    const started = byId.get(ended[0]?.cause ?? "");
    assert.equal(started?.kind, "taskStarted");
    const leased = byId.get(started?.cause ?? "");
    assert.equal(leased?.kind, "taskLeased");
    assert.equal(leased?.fields.agent, started?.agent);
    assert.equal(byId.get(leased?.cause ?? "")?.kind, "committed");
  });

  it("does not tell again after a restart what was decided before", () => {
    const again = new Cluster({ size: 3 });
    again.elect();
    assert.ok(again.ask("a1", submit("t")).ok);
    again.run(1000);
    const told = (kind: string): number => again.node("a1").events.filter((event) => event.kind === kind).length;
    const before = told("taskFinished");
    assert.equal(before, 1);
    for (let at = 0; at < 5; at++) assert.ok(again.ask("a1", put("k", "v")).ok);
    again.run(500);
    again.node("a1").kill();
    again.node("a1").start();
    again.run(2000);
    assert.equal(again.agent("a1").machine.tasks.get("t")?.state, "completed");
    assert.equal(told("taskFinished"), before);
  });
});
