import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "mocha";
import { ExactlyOnce } from "../../../server/sim/checkers/exactly-once.ts";
import { LeaseTokens } from "../../../server/sim/checkers/lease-tokens.ts";

const collector = () => {
  const found: string[] = [];
  return {
    broken: (invariant: string, detail: string) => {
      found.push(`${invariant}: ${detail}`);
    },
    quiet: () => deepEqual(found, []),
    says: (pattern: RegExp) => {
      equal(found.length, 1, found.join("\n"));
      match(found[0] as string, pattern);
    },
  };
};
const completed = (token: number) => ({ state: "completed" as const, token });

describe("lease token checker", () => {
  it("accepts one holder a token, told by many, and its run in each life", () => {
    const { broken, quiet } = collector();
    const leases = new LeaseTokens(broken);
    leases.leased("t1", "a1", 5);
    leases.leased("t1", "a1", 5);
    leases.leased("t1", "a2", 9);
    leases.executing("t1", "a1", "a1.1", 5);
    leases.executing("t1", "a2", "a2.1", 9);
    leases.executing("t1", "a2", "a2.2", 9);
    quiet();
  });

  it("refuses a token with two holders or for two tasks", () => {
    const agents = collector();
    const leases = new LeaseTokens(agents.broken);
    leases.leased("t1", "a1", 5);
    leases.leased("t1", "a2", 5);
    agents.says(/token 5 is held twice: a1 for t1, a2 for t1/);
    const tasks = collector();
    const others = new LeaseTokens(tasks.broken);
    others.leased("t1", "a1", 5);
    others.leased("t2", "a1", 5);
    tasks.says(/held twice/);
  });

  it("refuses an agent that runs what another holds, and one that runs a lease twice", () => {
    const foreign = collector();
    const leases = new LeaseTokens(foreign.broken);
    leases.leased("t1", "a1", 5);
    leases.executing("t1", "a2", "a2.1", 5);
    foreign.says(/a2 runs t1 with token 5, which a1 holds/);
    const twice = collector();
    const again = new LeaseTokens(twice.broken);
    again.executing("t1", "a1", "a1.1", 5);
    again.executing("t1", "a1", "a1.1", 5);
    twice.says(/a1\.1 runs t1 twice with token 5/);
  });
});

describe("exactly-once checker", () => {
  it("accepts one finish that all see, also again in another life", () => {
    const { broken, quiet } = collector();
    const tasks = new ExactlyOnce(broken);
    tasks.acknowledged("t1");
    tasks.finished("a1.1", "t1", completed(4));
    tasks.finished("a2.1", "t1", completed(4));
    tasks.finished("a1.2", "t1", completed(4));
    tasks.end("a1", [{ id: "t1", ranUnder: 4, ...completed(4) }]);
    quiet();
  });

  it("refuses a second finish, at one agent or between two", () => {
    const one = collector();
    const tasks = new ExactlyOnce(one.broken);
    tasks.finished("a1.1", "t1", completed(4));
    tasks.finished("a1.1", "t1", completed(4));
    one.says(/a1\.1 sees t1 finish a second time/);
    const two = collector();
    const others = new ExactlyOnce(two.broken);
    others.finished("a1.1", "t1", completed(4));
    others.finished("a2.1", "t1", completed(7));
    two.says(/t1 finished twice: completed under token 4 and, as a2\.1 saw it, completed under token 7/);
  });

  it("refuses an acknowledged task that is unknown, unfinished or other at the end", () => {
    for (const [list, pattern] of [
      [[], /t1 was acknowledged, and a1 does not know it/],
      [[{ id: "t1", state: "leased", token: 4, ranUnder: undefined }], /still leased/],
      [
        [{ id: "t1", state: "completed", token: 4, ranUnder: 2 }],
        /finished under token 4 with the outcome of a run under 2/,
      ],
      [
        [{ id: "t1", state: "failed", token: 4, ranUnder: 4 }],
        /t1 finished as completed under token 4, and a1 has it as failed/,
      ],
    ] as const) {
      const { broken, says } = collector();
      const tasks = new ExactlyOnce(broken);
      tasks.acknowledged("t1");
      if (list[0]?.state !== "leased") tasks.finished("a1.1", "t1", completed(4));
      tasks.end("a1", list);
      says(pattern);
    }
  });
});
