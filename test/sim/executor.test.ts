import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import type { TaskEnd } from "../../server/agent/world.ts";
import { seededRandom } from "../../server/core/random.ts";
import type { TaskSpec } from "../../server/core/tasks/types.ts";
import { SimExecutor } from "../../server/sim/executor.ts";
import { Schedule } from "../../server/sim/schedule.ts";

const spec = (command: string, args: readonly string[] = [], timeoutMs = 0): TaskSpec => ({
  id: "t1",
  command,
  args,
  cwd: "",
  timeoutMs,
  maxAttempts: 1,
  agent: "",
});
const setUp = () => {
  const schedule = new Schedule();
  const ends: TaskEnd[] = [];
  const starts: string[] = [];
  const executor = new SimExecutor(
    schedule,
    seededRandom("executor"),
    1_000_000,
    (atMs) => atMs * 1000,
    ({ id }, token) => starts.push(`${id} ${token}`),
    (end) => ends.push(end),
  );
  return {
    schedule,
    executor,
    ends,
    starts,
    wait: (ms: number) => schedule.runUntil(schedule.nowUs + ms * 1000, () => false),
  };
};

describe("simulated executor", () => {
  it("takes as long as a sleep says", () => {
    const { executor, ends, wait } = setUp();
    executor.start(spec("sleep", ["0.5"]), 7);
    wait(499);
    equal(ends.length, 0);
    wait(2);
    equal(ends.length, 1);
    const [end] = ends;
    deepEqual([end?.taskId, end?.token, end?.outcome.exitCode, end?.outcome.durationMs], ["t1", 7, 0, 500]);
  });

  it("ends each start once: with its exit code, when stopped, or when it takes too long", () => {
    const { executor, ends, wait } = setUp();
    executor.start(spec("exit", ["3"]), 1);
    executor.start(spec("sleep", ["9"]), 2);
    executor.start(spec("sleep", ["9"], 200), 3);
    executor.stop("t1", 2);
    executor.stop("unknown", 9);
    wait(20_000);
    const byToken = new Map(ends.map((end) => [end.token, end.outcome]));
    equal(ends.length, 3);
    equal(byToken.get(1)?.exitCode, 3);
    deepEqual([byToken.get(2)?.exitCode, byToken.get(2)?.signal], [null, "SIGTERM"]);
    ok(byToken.get(3)?.error.includes("200 ms"));
    equal(executor.running, 0);
  });

  it("ends what runs at the end of its lease, unless that was extended, and says that this is why", () => {
    const { executor, ends, wait } = setUp();
    executor.start(spec("sleep", ["5"]), 1);
    executor.extend("t1", 1, 300);
    executor.extend("unknown", 9, 1);
    wait(200);
    executor.extend("t1", 1, 600);
    wait(399);
    equal(ends.length, 0);
    wait(2);
    deepEqual(
      ends.map(({ leaseOver, outcome }) => [leaseOver, outcome.durationMs]),
      [[true, 600]],
    );
    executor.extend("t1", 1, 900);
    wait(10_000);
    equal(ends.length, 1);
  });

  it("loses what ran when the agent is killed, and refuses to run the same lease twice at a time", () => {
    const { executor, ends, starts, wait } = setUp();
    executor.start(spec("sleep", ["1"]), 1);
    throws(() => executor.start(spec("sleep", ["1"]), 1), /runs here already/);
    executor.crash();
    wait(5000);
    equal(ends.length, 0);
    deepEqual(starts, ["t1 1"]);
  });
});
