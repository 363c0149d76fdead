/** A swarm's tasks as the coordinator shows them: read again when events say that something changed, each end told once. */
import type { MeshClient } from "../client/client.ts";
import { MeshError } from "../client/errors.ts";
import type { TaskInfo } from "../contract/swarm.ts";
import type { TimelineEvent } from "../contract/timeline.ts";

/** After an event; more events meanwhile make one reading. */
const SOON_MS = 60;
/** While a task is not finished: an agent that is asked may be behind the one whose event was seen. */
const AGAIN_MS = 1000;

export interface TaskWatchOptions {
  readonly client: MeshClient;
  /** The swarm ran before: what is finished at the first look is no news. */
  readonly foundAgain: boolean;
  readonly onChanged: () => void;
  readonly onFinished: (task: TaskInfo) => void;
}

export class TaskWatch {
  readonly #options: TaskWatchOptions;
  readonly #finished = new Set<string>();
  #tasks: readonly TaskInfo[] = [];
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #reading = false;
  #closed = false;
  #first: boolean;

  constructor(options: TaskWatchOptions) {
    this.#options = options;
    this.#first = options.foundAgain;
  }

  get tasks(): readonly TaskInfo[] {
    return this.#tasks;
  }

  happened(event: TimelineEvent): void {
    if (event.kind.startsWith("task")) this.readSoon(SOON_MS);
  }

  readSoon(delayMs = SOON_MS): void {
    const at = performance.now() + delayMs;
    if (this.#closed || at >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(() => void this.#read(), delayMs);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #read(): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY;
    if (this.#reading) {
      this.readSoon();
      return;
    }
    this.#reading = true;
    try {
      this.#take(await this.#options.client.tasks({ consistency: "local", timeoutMs: 5000 }));
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      // Nobody can answer now; what was known stays, and is asked again.
      this.readSoon(AGAIN_MS);
    } finally {
      this.#reading = false;
    }
  }

  #take(read: readonly TaskInfo[]): void {
    if (this.#closed) return;
    // An agent that is behind must not take back what was shown as finished.
    const known = new Map(this.#tasks.map((task) => [task.id, task]));
    const tasks = read.map((task) => {
      const before = known.get(task.id);
      return before !== undefined && isFinal(before) && !isFinal(task) ? before : task;
    });
    const listed = new Set(read.map(({ id }) => id));
    this.#tasks = [...tasks, ...this.#tasks.filter((task) => !listed.has(task.id) && isFinal(task))];
    for (const task of this.#tasks) {
      if (!isFinal(task) || this.#finished.has(task.id)) continue;
      this.#finished.add(task.id);
      if (!this.#first) this.#options.onFinished(task);
    }
    this.#first = false;
    this.#options.onChanged();
    if (this.#tasks.some((task) => !isFinal(task))) this.readSoon(AGAIN_MS);
  }
}

export function isFinal({ state }: TaskInfo): boolean {
  return state === "completed" || state === "failed" || state === "cancelled";
}
