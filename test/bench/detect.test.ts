import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { countersOf } from "../../bench/detect/counters.ts";
import { alarmsIn } from "../../bench/detect/false-alarms.ts";
import { joiningIn } from "../../bench/detect/joining.ts";
import { readSerfLine } from "../../bench/peers/serf.ts";
import type { EventKind, Fields, TimelineEvent } from "../../server/contract/timeline.ts";

function event(agent: string, wallMs: number, kind: EventKind, fields: Fields = {}): TimelineEvent {
  return { id: `${agent}.1:${wallMs}`, agent, kind, hlc: { wallMs, counter: 0 }, fields } as TimelineEvent;
}

describe("how agents found each other", () => {
  const ids = ["a1", "a2"];
  const started = [event("a1", 100, "started"), event("a2", 150, "started")];
  const holds = (agent: string, member: string, atMs: number) => event(agent, atMs, "memberAlive", { member });

  it("is counted from the last one's start to the last one's first sight of the last other", () => {
    const events = [...started, holds("a1", "a2", 170), holds("a2", "a1", 165), holds("a2", "a1", 900)];
    assert.deepEqual(joiningIn(events, ids, 40), { sinceLastUpMs: 20, sinceStartMs: 130 });
  });

  it("is not known while one has not seen another, nor while one has not said that it runs", () => {
    assert.equal(joiningIn([...started, holds("a1", "a2", 170)], ids, 40), undefined);
    assert.equal(
      joiningIn([event("a1", 100, "started"), holds("a1", "a2", 170), holds("a2", "a1", 165)], ids, 40),
      undefined,
    );
  });
});

describe("false alarms", () => {
  it("are all verdicts since then, and of suspicions those that an agent did not only hear of", () => {
    const events = [
      event("a1", 99, "memberFailed", { member: "a2", by: "a1" }),
      event("a1", 100, "memberSuspected", { member: "a2", by: "a1", reason: "noAnswer" }),
      event("a3", 101, "memberSuspected", { member: "a2", by: "a1", reason: "told" }),
      event("a3", 102, "memberSuspected", { member: "a4", by: "a3", reason: "linkClosed" }),
      event("a3", 103, "memberFailed", { member: "a2", by: "a1" }),
      event("a3", 104, "memberAlive", { member: "a2" }),
    ];
    assert.deepEqual(alarmsIn(events, 100), { failed: 1, suspected: 2 });
    assert.deepEqual(alarmsIn(events, 104), { failed: 0, suspected: 0 });
  });
});

describe("a line of serf's log", () => {
  it("says who joined, failed, or was suspected by the agent's own probes", () => {
    const lines = [
      "    2026/11/21 18:49:12 [INFO] serf: EventMemberJoin: s11 127.0.0.1",
      "    2026/11/21 18:49:12 [INFO] serf: EventMemberFailed: s3 127.0.0.1",
      "    2026/11/21 18:49:12 [INFO] memberlist: Suspect s3 has failed, no acks received",
      "    2026/11/21 18:49:12 [INFO] memberlist: Marking s3 as failed, suspect timeout reached (2 peer confirmations)",
      "    2026/11/21 18:49:13 [INFO] agent: Received event: member-join",
    ];
    assert.deepEqual(lines.map(readSerfLine), [
      { verdict: "joined", member: "s11" },
      { verdict: "failed", member: "s3" },
      { verdict: "suspected", member: "s3" },
      undefined,
      undefined,
    ]);
  });
});

describe("the counters of an interface", () => {
  const text = [
    "Inter-|   Receive                                                |  Transmit",
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
    "    lo:    1000      10    0    0    0     0          0         0     2000      20    0    0    0     0       0          0",
    "  eth0: 3000 30 0 0 0 0 0 0 4000 40 0 0 0 0 0 0",
  ].join("\n");

  it("are the bytes and packets that it sent", () => {
    assert.deepEqual(countersOf(text, "lo"), { bytes: 2000, packets: 20 });
    assert.deepEqual(countersOf(text, "eth0"), { bytes: 4000, packets: 40 });
  });

  it("are refused where there is no such interface", () => {
    assert.throws(() => countersOf(text, "lo0"), /no counters of the interface lo0/);
  });
});
