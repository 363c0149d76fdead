import type { Broken } from "./broken.ts";

export interface Finish {
  readonly state: "completed" | "failed" | "cancelled";
  readonly token: number;
}

/** What one agent says of a task at the end. */
export interface TaskEndState {
  readonly id: string;
  readonly state: string;
  readonly token: number;
  /** The lease under which the run took place whose outcome was recorded; undefined when there is no such run. */
  readonly ranUnder: number | undefined;
}

/**
 * Each acknowledged task finishes exactly once: every agent that sees it finish sees the same finish, none sees two, and at the end each
 * acknowledged one is there and finished, with the outcome of the run under the lease that it finished under: an older holder's is refused.
 */
export class ExactlyOnce {
  readonly #broken: Broken;
  readonly #acknowledged = new Set<string>();
  readonly #finishes = new Map<string, Finish>();
  /** In one life of an agent, which applies every entry once. */
  readonly #seen = new Set<string>();

  constructor(broken: Broken) {
    this.#broken = broken;
  }

  get acknowledgedTasks(): number {
    return this.#acknowledged.size;
  }

  acknowledged(task: string): void {
    this.#acknowledged.add(task);
  }

  /** @param life the agent with its life, as `a1.2`. */
  finished(life: string, task: string, finish: Finish): void {
    const seen = `${life} ${task}`;
    if (this.#seen.has(seen))
      this.#broken("tasks exactly once", `${life} sees ${task} finish a second time (${describe(finish)})`);
    this.#seen.add(seen);
    const known = this.#finishes.get(task);
    if (!known) this.#finishes.set(task, finish);
    else if (known.state !== finish.state || known.token !== finish.token)
      this.#broken(
        "tasks exactly once",
        `${task} finished twice: ${describe(known)} and, as ${life} saw it, ${describe(finish)}`,
      );
  }

  /** Once everything is quiet. @param tasks as an agent that is up to date lists them. */
  end(agent: string, tasks: readonly TaskEndState[]): void {
    const byId = new Map(tasks.map((task) => [task.id, task]));
    for (const id of this.#acknowledged) {
      const task = byId.get(id);
      if (!task) {
        this.#broken("tasks exactly once", `${id} was acknowledged, and ${agent} does not know it`);
        continue;
      }
      if (task.state === "pending" || task.state === "leased")
        this.#broken(
          "tasks exactly once",
          `${id} was acknowledged and is still ${task.state} at ${agent} when all is quiet`,
        );
      if (task.state === "completed" && task.ranUnder !== task.token)
        this.#broken(
          "tasks exactly once",
          `${id} finished under token ${task.token} with the outcome of a run under ${task.ranUnder ?? "none"}`,
        );
      const finish = this.#finishes.get(id);
      if (finish && (finish.state !== task.state || finish.token !== task.token))
        this.#broken(
          "tasks exactly once",
          `${id} finished as ${describe(finish)}, and ${agent} has it as ${describe(task)}`,
        );
    }
  }
}

function describe(finish: { readonly state: string; readonly token: number }): string {
  return `${finish.state} under token ${finish.token}`;
}
