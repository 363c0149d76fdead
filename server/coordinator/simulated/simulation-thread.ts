import { Worker } from "node:worker_threads";
import { programPath } from "../../live/programs.ts";
import { Refusal } from "../refusal.ts";
import type { Answer, Ask, Batch, WatchOrder, WatchTask, WatchTold } from "./protocol.ts";

export interface ThreadOptions {
  readonly task: WatchTask;
  readonly onBatch: (batch: Batch) => void;
  /** It ended by itself, with a sentence. Not after `end`. */
  readonly onFailed: (why: string) => void;
}

/** What a large swarm takes at most, MiB; the thread that needs more ends, and the coordinator goes on. */
const MOST_MEMORY_MIB = 4096;

/** The coordinator's end of a simulated swarm's thread. */
export class SimulationThread {
  readonly #worker: Worker;
  readonly #asked = new Map<number, (answer: Answer | undefined) => void>();
  #nextId = 1;
  #ended = false;

  constructor({ task, onBatch, onFailed }: ThreadOptions) {
    this.#worker = new Worker(programPath("simulator"), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY_MIB },
    });
    this.#worker.on("message", (told: WatchTold) => {
      if (this.#ended) return;
      if (told.told === "answer") {
        this.#asked.get(told.id)?.(told.answer);
        this.#asked.delete(told.id);
        return;
      }
      onBatch(told);
      this.#order({ order: "taken" });
    });
    const failed = (why: string): void => {
      if (this.#ended) return;
      this.#over();
      onFailed(why);
    };
    this.#worker.once("error", (error) =>
      failed(`The simulation failed: ${error instanceof Error ? error.message : String(error)}`),
    );
    this.#worker.once("exit", (code) => failed(`The simulation's thread ended by itself (code ${code}).`));
  }

  /** @throws Refusal with the simulation's sentence, and when it has ended */
  async ask<T extends Exclude<Answer["type"], "refused">>(
    ask: Ask,
    type: T,
  ): Promise<Extract<Answer, { readonly type: T }>> {
    const id = this.#nextId++;
    const answer = this.#ended
      ? undefined
      : await new Promise<Answer | undefined>((resolve) => {
          this.#asked.set(id, resolve);
          this.#order({ order: "ask", id, ...ask });
        });
    if (answer === undefined) throw new Refusal("unavailable", "The simulation has ended.");
    if (answer.type === "refused") throw new Refusal("refused", answer.message);
    if (answer.type !== type) throw new Error(`the simulation answered ${ask.ask} with ${answer.type}`);
    return answer as Extract<Answer, { readonly type: T }>;
  }

  /** At once, whatever it is doing. */
  async end(): Promise<void> {
    this.#over();
    await this.#worker.terminate();
  }

  #order(order: WatchOrder): void {
    if (!this.#ended) this.#worker.postMessage(order);
  }

  #over(): void {
    this.#ended = true;
    for (const answer of this.#asked.values()) answer(undefined);
    this.#asked.clear();
  }
}
