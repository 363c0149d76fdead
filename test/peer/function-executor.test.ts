import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { TaskEnd } from "../../server/agent/world.ts";
import type { TaskSpec } from "../../server/core/tasks/types.ts";
import { FunctionExecutor, type TaskFunction } from "../../server/peer/function-executor.ts";
import { withDeadline } from "../live/waiting.ts";

const spec: TaskSpec = { id: "t", command: "c", args: ["x"], cwd: "", timeoutMs: 0, maxAttempts: 1, agent: "" };

/** An executor of a function, what it put out, and how its one run ends. */
function of(perform: TaskFunction) {
  const outputs: string[] = [];
  const { promise, resolve } = Promise.withResolvers<TaskEnd>();
  const ends: TaskEnd[] = [];
  const executor = new FunctionExecutor(
    {
      now: () => 1_000,
      output: (_, __, ___, text) => void outputs.push(text),
      ended: (end) => {
        ends.push(end);
        resolve(end);
      },
    },
    perform,
  );
  return { executor, outputs, ends, ended: withDeadline(promise, 5_000, "the run ends") };
}

/** Ends when its signal says so, and then tries to have a say. */
const stubborn: TaskFunction = ({ signal, output }) =>
  new Promise((resolve) =>
    signal.addEventListener("abort", () => {
      output("too late");
      resolve("later still");
    }),
  );

describe("a function that does tasks", () => {
  it("gives its output while it runs and what it returns, and ends well", async () => {
    const { executor, outputs, ended } = of(async ({ id, token, args, output }) => {
      output(`${id} ${token} `);
      return args.join();
    });
    executor.start(spec, 7);
    assert.equal(executor.busy, true);
    const { outcome, token } = await ended;
    assert.deepEqual([outcome.exitCode, outcome.error, outcome.outputTail, token], [0, "", "t 7 x", 7]);
    assert.deepEqual([outputs, executor.busy], [["t 7 ", "x"], false]);
  });

  it("fails with what it throws, at once or later", async () => {
    for (const perform of [
      () => {
        throw new Error("no");
      },
      () => Promise.reject(new Error("no")),
    ]) {
      const { executor, ended } = of(perform);
      executor.start(spec, 1);
      const { outcome } = await ended;
      assert.deepEqual([outcome.exitCode, outcome.error], [1, "no"]);
    }
  });

  it("is told when it is stopped, and what it does from then on counts for nothing", async () => {
    const { executor, outputs, ends, ended } = of(stubborn);
    executor.start(spec, 1);
    setImmediate(() => executor.stop("t", 1));
    const { outcome } = await ended;
    assert.deepEqual([outcome.exitCode, outcome.error, outcome.outputTail], [null, "It was stopped.", ""]);
    await new Promise((wake) => setImmediate(wake));
    assert.deepEqual([outputs, ends.length], [[], 1]);
  });

  it("is given up on when it takes longer than it may, and when its lease is over, which is no outcome", async () => {
    const late = of(stubborn);
    late.executor.start({ ...spec, timeoutMs: 20 }, 1);
    const { outcome, leaseOver } = await late.ended;
    assert.deepEqual([outcome.error, leaseOver], ["It ran longer than 20 ms and was given up on.", false]);
    const lost = of(stubborn);
    lost.executor.start(spec, 2);
    lost.executor.extend("t", 2, 1_020);
    assert.equal((await lost.ended).leaseOver, true);
  });
});
