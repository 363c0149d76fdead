/** Waits for a task's end as its coordinator tells it, and shows its output as it comes. */
import type { TaskInfo } from "../../contract/swarm.ts";
import { outlasting } from "./outlasting.ts";
import type { Output } from "./output.ts";
import type { Reached } from "./reach.ts";

/** How often it is looked whether the coordinator still lives: notifications do not tell that. */
const LOOK_EVERY_MS = 2000;
/** For output that is still on its way when the end is known. */
const LATE_OUTPUT_MS = 300;

/** @param again reaches the swarm once more when its coordinator is gone. @throws Refusal when nobody answers for the task any more */
export async function finishedTask(
  reached: Reached,
  taskId: string,
  output: Output,
  again: () => Promise<Reached>,
): Promise<TaskInfo> {
  const shown = new ShownOutput(taskId, output);
  return outlasting(reached, again, (now) => attended(now, taskId, shown));
}

/** @throws Refusal `unavailable` when the coordinator is gone */
async function attended({ coordinator, ears, swarm }: Reached, taskId: string, shown: ShownOutput): Promise<TaskInfo> {
  let told: TaskInfo | undefined;
  const over = new AbortController();
  const deafen = ears.listen(({ name, params }) => {
    if (name === "taskOutput" && params.taskId === taskId) shown.add(params);
  });
  try {
    for (;;) {
      const end = ears.until(
        ({ name, params }) => {
          if (name !== "taskFinished" || params.task.id !== taskId) return false;
          told = params.task;
          return true;
        },
        LOOK_EVERY_MS,
        over.signal,
      );
      // Read after listening has begun: the end is either seen here or told there.
      const tasks = await coordinator.handle("tasks", { swarm: swarm.id });
      const task =
        tasks.find((one) => one.id === taskId && one.finishedAtMs !== null) ?? ((await end) ? told : undefined);
      if (task === undefined) continue;
      await ears.until(() => shown.complete(task), shown.complete(task) ? 0 : LATE_OUTPUT_MS);
      shown.finish(task);
      return task;
    }
  } finally {
    over.abort();
    deafen();
  }
}

/** What was shown of a task's output: live as far as it came, else the tail that was recorded with its end. */
class ShownOutput {
  readonly #taskId: string;
  readonly #output: Output;
  /** Of its present lease. */
  #token = 0;
  #characters = 0;

  constructor(taskId: string, output: Output) {
    this.#taskId = taskId;
    this.#output = output;
  }

  add(part: { token: number; agent: string; stream: "stdout" | "stderr"; text: string }): void {
    if (part.token < this.#token) return;
    if (part.token > this.#token) {
      if (this.#token > 0) this.#output.note(`${this.#taskId} runs again, on ${part.agent}.`);
      this.#token = part.token;
      this.#characters = 0;
    }
    this.#characters += part.text.length;
    this.#output.raw(part.stream, part.text);
  }

  complete(task: TaskInfo): boolean {
    return this.#shownOf(task) >= task.outputTail.length;
  }

  finish(task: TaskInfo): void {
    if (this.#shownOf(task) > 0 || task.outputTail === "") return;
    this.#output.raw("stdout", task.outputTail);
  }

  #shownOf(task: TaskInfo): number {
    return task.token === this.#token ? this.#characters : 0;
  }
}
