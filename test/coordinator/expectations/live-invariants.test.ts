import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { INVARIANTS } from "../../../server/contract/expect.ts";
import type { EventKind, Fields, TimelineEvent } from "../../../server/contract/timeline.ts";
import { LiveInvariants } from "../../../server/coordinator/expectations/live-invariants.ts";

let sequence = 0;
/** @param life as `a1.2` */
const event = (life: string, kind: EventKind, fields: Fields = {}, term = 1): TimelineEvent => ({
  id: `${life}:${++sequence}`,
  agent: life.slice(0, life.indexOf(".")),
  hlc: { wallMs: 0, counter: 0 },
  kind,
  fields,
  state: { role: "follower", term, leader: "", commit: 0, lastIndex: 0, applied: 0 },
});
const vote = (life: string, candidate: string, term: number) =>
  event(life, "votedFor", { candidate, term, pre: false });
const lease = (life: string, agent: string, token: number) => event(life, "taskLeased", { id: "t", agent, token });
const finish = (life: string, token: number) =>
  event(life, "taskFinished", { id: "t", state: "completed", token, agent: "a1" });

const decision = (life: string, state: string, approvals: number) =>
  event(life, "proposalDecided", { proposal: "p", state, approvals, rejections: 4 - approvals, needed: 3 });

const judged = (...events: readonly TimelineEvent[]): LiveInvariants => {
  const subject = new LiveInvariants();
  for (const [at, one] of events.entries()) subject.event(one, at * 10);
  return subject;
};

describe("the invariants of a running swarm", () => {
  it("hold as far as events tell, and say what was not checked", () => {
    const subject = judged(
      vote("a1.1", "a1", 1),
      vote("a2.1", "a1", 1),
      event("a1.1", "becameLeader"),
      lease("a1.1", "a2", 4),
      lease("a2.1", "a2", 4),
      event("a2.1", "taskStarted", { task: "t", token: 4 }),
      finish("a1.1", 4),
      finish("a2.1", 4),
      decision("a1.1", "approved", 3),
      decision("a2.1", "approved", 3),
    );
    assert.deepEqual(
      INVARIANTS.map((name) => `${name} ${subject.result(name, undefined).held}`),
      [
        "electionSafety true",
        "logMatching null",
        "leaderCompleteness null",
        "stateMachineSafety true",
        "linearizableMemory true",
        "tasksExactlyOnce true",
        "leaseHeldOnce true",
        "proposalsDecidedOnce true",
        "convergence null",
      ],
    );
    assert.match(subject.result("logMatching", undefined).detail, /^Not checked live: agents do not tell/);
    assert.deepEqual(subject.result("linearizableMemory", "no workload").detail, "Not checked live: no workload.");
    assert.equal(subject.result("linearizableMemory", "no workload").held, null);
  });

  for (const [name, what, detail, events] of [
    [
      "electionSafety",
      "two leaders in a term",
      /term 1 has two leaders: a1\.1 and a2\.1/,
      [event("a1.1", "becameLeader"), event("a2.1", "becameLeader")],
    ],
    [
      "electionSafety",
      "two votes in a term",
      /a3 voted for a1 and for a2 in term 1/,
      [vote("a3.1", "a1", 1), vote("a3.1", "a2", 1)],
    ],
    [
      "leaseHeldOnce",
      "a lease that two hold",
      /token 4 is held twice/,
      [lease("a1.1", "a2", 4), lease("a3.1", "a3", 4)],
    ],
    [
      "leaseHeldOnce",
      "an agent that runs what another holds",
      /a3 runs t with token 4, which a2 holds/,
      [lease("a1.1", "a2", 4), event("a3.1", "taskStarted", { task: "t", token: 4 })],
    ],
    ["tasksExactlyOnce", "a task that ends twice", /t finished twice/, [finish("a1.1", 4), finish("a2.1", 9)]],
    [
      "proposalsDecidedOnce",
      "a proposal that two decide differently",
      /p is approved with 3 for it and 1 against it as a1\.1 decides it, and rejected with 1 for it and 3 against it as a2\.1 does/,
      [decision("a1.1", "approved", 3), decision("a2.1", "rejected", 1)],
    ],
  ] as const)
    it(`tell ${what}`, () => {
      const result = judged(...events).result(name, undefined);
      assert.equal(result.held, false);
      assert.match(result.detail, detail);
      assert.equal(result.brokenAtMs, 10);
    });

  it("let an agent vote again in another life, as only its disk tells whether it may", () => {
    assert.equal(
      judged(vote("a3.1", "a1", 1), event("a3.2", "started"), vote("a3.2", "a2", 1)).result("electionSafety", undefined)
        .held,
      true,
    );
  });
});
