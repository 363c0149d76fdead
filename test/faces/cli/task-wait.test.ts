import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { CoordinatorMethod, CoordinatorRequests } from "../../../server/contract/coordinator.ts";
import type { SwarmView, TaskInfo } from "../../../server/contract/swarm.ts";
import type { ReachedCoordinator } from "../../../server/coordinator/control-client.ts";
import { Refusal } from "../../../server/coordinator/refusal.ts";
import { Output } from "../../../server/faces/cli/output.ts";
import { Ears, type Reached } from "../../../server/faces/cli/reach.ts";
import { finishedTask } from "../../../server/faces/cli/task-wait.ts";

const SWARM = "s1";

function task(changes: Partial<TaskInfo>): TaskInfo {
  return {
    id: "t1",
    command: "node",
    args: [],
    cwd: "",
    state: "completed",
    agent: "a1",
    token: 1,
    leases: 1,
    failures: 0,
    maxAttempts: 1,
    submittedAtMs: 1,
    finishedAtMs: 2,
    exitCode: 0,
    signal: "",
    error: "",
    outputTail: "",
    durationMs: 1,
    finishedIndex: 1,
    ...changes,
  };
}
const running = task({ state: "leased", finishedAtMs: null, exitCode: null });

/** A coordinator that answers `tasks` as it is told, and counts how often it was asked. */
class FakeCoordinator implements ReachedCoordinator {
  readonly remote = true;
  readonly ears = new Ears();
  readonly #answer: (reads: number) => readonly TaskInfo[];
  reads = 0;
  closed = false;

  constructor(answer: (reads: number) => readonly TaskInfo[]) {
    this.#answer = answer;
  }

  async handle<M extends CoordinatorMethod>(method: M): Promise<CoordinatorRequests[M]["result"]> {
    assert.equal(method, "tasks");
    return this.#answer(++this.reads) as CoordinatorRequests[M]["result"];
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  get reached(): Reached {
    return { coordinator: this, ears: this.ears, swarm: { id: SWARM } as SwarmView };
  }
}

/** Keeps what it would print. */
class KeptOutput extends Output {
  readonly shown: string[] = [];

  constructor() {
    super(false);
  }

  override raw(stream: "stdout" | "stderr", text: string): void {
    this.shown.push(`${stream}: ${text}`);
  }

  override note(message: string): void {
    this.shown.push(`note: ${message}`);
  }
}

const never = (): Promise<Reached> => assert.fail("it is not to be reached again");

describe("waiting for a task's end", () => {
  it("reads once, then waits for what it is told", async () => {
    const coordinator = new FakeCoordinator(() => [running]);
    const end = finishedTask(coordinator.reached, "t1", new KeptOutput(), never);
    await new Promise((resolve) => setImmediate(resolve));
    coordinator.ears.hear("taskFinished", { swarm: SWARM, task: task({ id: "another" }) });
    coordinator.ears.hear("taskFinished", { swarm: SWARM, task: task({}) });
    assert.equal((await end).state, "completed");
    assert.equal(coordinator.reads, 1);
  });

  it("is over at once when the task is", async () => {
    const coordinator = new FakeCoordinator(() => [task({ outputTail: "said\n" })]);
    const output = new KeptOutput();
    assert.equal((await finishedTask(coordinator.reached, "t1", output, never)).id, "t1");
    assert.deepEqual(output.shown, ["stdout: said\n"], "what was not heard live is in the record");
  });

  it("finds an end that was never told", async () => {
    const coordinator = new FakeCoordinator((reads) => [reads < 2 ? running : task({})]);
    assert.equal((await finishedTask(coordinator.reached, "t1", new KeptOutput(), never)).state, "completed");
    assert.equal(coordinator.reads, 2);
  });

  it("shows live output once, of the present lease alone, and says when it begins anew", async () => {
    const coordinator = new FakeCoordinator(() => [running]);
    const output = new KeptOutput();
    const end = finishedTask(coordinator.reached, "t1", output, never);
    const say = (taskId: string, token: number, agent: string, stream: "stdout" | "stderr", text: string): void =>
      coordinator.ears.hear("taskOutput", { swarm: SWARM, taskId, token, agent, stream, text });
    say("t1", 1, "a1", "stdout", "one\n");
    say("another", 1, "a1", "stdout", "no\n");
    say("t1", 4, "a2", "stdout", "one\n");
    say("t1", 1, "a1", "stdout", "late\n");
    coordinator.ears.hear("taskFinished", { swarm: SWARM, task: task({ token: 4, outputTail: "one\ntwo\n" }) });
    say("t1", 4, "a2", "stderr", "two\n");
    await end;
    assert.deepEqual(output.shown, ["stdout: one\n", "note: t1 runs again, on a2.", "stdout: one\n", "stderr: two\n"]);
  });

  it("asks another coordinator when its own is gone, and passes on what that one refuses", async () => {
    const gone = (): never => {
      throw new Refusal("unavailable", "The coordinator is gone.");
    };
    const first = new FakeCoordinator(gone);
    const second = new FakeCoordinator(() => [task({})]);
    const end = await finishedTask(first.reached, "t1", new KeptOutput(), async () => second.reached);
    assert.equal(end.state, "completed");
    assert.ok(first.closed && second.closed);
    const ended = new Refusal("unknownSwarm", "There is no swarm any more.");
    await assert.rejects(
      finishedTask(new FakeCoordinator(gone).reached, "t1", new KeptOutput(), () => Promise.reject(ended)),
      ended,
    );
  });
});
