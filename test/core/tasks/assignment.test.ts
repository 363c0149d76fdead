import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { type AssignmentInput, assignTasks, loadOf, revokeLeases } from "../../../server/core/tasks/assignment.ts";
import { TaskLedger } from "../../../server/core/tasks/ledger.ts";
import type { Task } from "../../../server/core/tasks/types.ts";
import { spec } from "./arbitraries.ts";

/** Tasks as a ledger makes them: "t1", or "t1@a2" for one that names its agent. */
function pendingTasks(names: readonly string[]): Task[] {
  const ledger = new TaskLedger();
  for (const [at, name] of names.entries()) {
    const [id = "", agent = ""] = name.split("@");
    ledger.apply({ type: "submit", spec: spec(id, { agent }) }, at + 1, 0);
  }
  return [...ledger.pending()];
}

function assigned(names: readonly string[], input: Partial<AssignmentInput>): string[] {
  const whole: AssignmentInput = {
    pending: pendingTasks(names),
    alive: ["a1", "a2", "a3"],
    load: new Map(),
    proposed: new Map(),
    slots: 2,
    leaseMs: 1000,
    ...input,
  };
  return assignTasks(whole).map(({ id, agent }) => `${id}>${agent}`);
}

describe("the assignment of tasks", () => {
  const table: [string, readonly string[], Partial<AssignmentInput>, string[]][] = [
    [
      "goes round agents that are equally free, by id",
      ["t1", "t2", "t3", "t4"],
      {},
      ["t1>a1", "t2>a2", "t3>a3", "t4>a1"],
    ],
    [
      "prefers the least loaded",
      ["t1", "t2"],
      {
        load: new Map([
          ["a1", 1],
          ["a2", 1],
        ]),
      },
      ["t1>a3", "t2>a1"],
    ],
    ["fills slots and no more", ["t1", "t2", "t3"], { alive: ["a1"] }, ["t1>a1", "t2>a1"]],
    ["gives nothing when nobody is alive", ["t1"], { alive: [] }, []],
    ["gives nothing to an agent above its slots", ["t1"], { alive: ["a1"], load: new Map([["a1", 5]]) }, []],
    ["lets a task wait whose agent is not alive, and nobody behind it", ["t1@a9", "t2"], {}, ["t2>a1"]],
    ["respects the agent that a task names", ["t1@a3", "t2@a3", "t3@a3", "t4"], {}, ["t1>a3", "t2>a3", "t4>a1"]],
    [
      "counts what is proposed already as load, and does not propose it again",
      ["t1", "t2"],
      { proposed: new Map([["t1", "a1"]]) },
      ["t2>a2"],
    ],
    ["does not depend on the order of members", ["t1", "t2"], { alive: ["a3", "a1"] }, ["t1>a1", "t2>a3"]],
  ];
  for (const [what, names, input, expected] of table)
    it(what, () => assert.deepEqual(assigned(names, input), expected));

  it("never gives an agent more than its slots, and leaves none idle that could work", () => {
    const load = fc.dictionary(fc.constantFrom("a1", "a2", "a3"), fc.nat(3));
    const names = fc.uniqueArray(fc.tuple(fc.nat(40), fc.constantFrom("", "", "@a1", "@a9")), { selector: ([n]) => n });
    fc.assert(
      fc.property(names, load, fc.integer({ min: 1, max: 3 }), (some, loads, slots) => {
        const total = new Map(Object.entries(loads));
        const tasks = pendingTasks(some.map(([n, agent]) => `t${n}${agent}`));
        const alive = ["a1", "a2", "a3"];
        const assigns = assignTasks({ pending: tasks, alive, load: total, proposed: new Map(), slots, leaseMs: 1 });
        const after = new Map(alive.map((id) => [id, total.get(id) ?? 0]));
        for (const { agent } of assigns) after.set(agent, (after.get(agent) ?? 0) + 1);
        for (const { agent } of assigns) assert.ok((after.get(agent) ?? 0) <= slots);
        const given = new Set(assigns.map(({ id }) => id));
        assert.equal(given.size, assigns.length);
        const free = [...after.values()].some((count) => count < slots);
        if (free) assert.ok(tasks.every(({ spec: { id, agent } }) => given.has(id) || agent !== ""));
      }),
    );
  });

  it("takes back the leases of agents that failed, left or are no members, and of no others", () => {
    const ledger = new TaskLedger();
    const holders = ["a1", "a2", "a3", "a4", "a9"];
    for (const [at, agent] of holders.entries()) {
      ledger.apply({ type: "submit", spec: spec(`t${at}`) }, at * 2 + 1, 0);
      ledger.apply({ type: "assign", id: `t${at}`, agent, leaseMs: 100 }, at * 2 + 2, 0);
    }
    const states = { a1: "alive", a2: "suspected", a3: "failed", a4: "left" } as const;
    const revokes = revokeLeases(ledger.leased(), (agent) => states[agent as keyof typeof states]);
    assert.deepEqual(revokes, [
      { type: "revoke", id: "t2", token: 6, reason: "a3 failed" },
      { type: "revoke", id: "t3", token: 8, reason: "a4 left" },
      { type: "revoke", id: "t4", token: 10, reason: "a9 is not a member" },
    ]);
    for (const [at, command] of revokes.entries()) assert.equal(ledger.apply(command, 20 + at, 1).type, "accepted");
    assert.deepEqual(
      loadOf(ledger.leased()),
      new Map([
        ["a1", 1],
        ["a2", 1],
      ]),
    );
  });
});
