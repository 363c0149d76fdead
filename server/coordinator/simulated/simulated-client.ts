import { randomUUID } from "node:crypto";
import type { ListOptions, MeshClient, Read, ReadRequest, WriteRequest, Written } from "../../client/client.ts";
import { MeshError } from "../../client/errors.ts";
import type { ClientOperation, ClientValue } from "../../contract/client.ts";
import type { SideNote } from "../../contract/partition.ts";
import type { TaskRequest } from "../../contract/swarm.ts";
import { Refusal } from "../refusal.ts";
import type { SimulationThread } from "./simulation-thread.ts";

/** Of real time: a simulation may go so slowly that its own time is not over for hours. */
const PATIENCE_REAL_MS = 30_000;

interface Answered {
  readonly value: ClientValue;
  readonly side?: SideNote;
}

/** What a person asks of a simulated swarm's agents, as a client in the simulation: one operation at a time, in virtual time. Methods as those of MeshClient. */
export class SimulatedClient implements Pick<MeshClient, "read" | "write" | "list"> {
  readonly #thread: Pick<SimulationThread, "ask">;
  readonly #paused: () => boolean;
  readonly #patienceMs: number;

  /** @param patienceMs of virtual time */
  constructor(thread: Pick<SimulationThread, "ask">, paused: () => boolean, patienceMs: number) {
    this.#thread = thread;
    this.#paused = paused;
    this.#patienceMs = patienceMs;
  }

  async read(request: ReadRequest): Promise<Read> {
    return { from: "", ...(await this.#ask(request)) };
  }

  async write(request: WriteRequest): Promise<Written> {
    return { value: (await this.#ask(request)).value, vouchedBy: [] };
  }

  async list(namespace: string, { prefix = "", limit = 1000 }: ListOptions = {}): ReturnType<MeshClient["list"]> {
    const { value, side } = await this.#ask({ op: "list", namespace, prefix, limit });
    if (value.type !== "items") throw new MeshError("invalid", "unknown", `An agent answered list with ${value.type}.`);
    return { items: value.items, more: value.more, from: "", ...(side && { side }) };
  }

  /** No program of it is run. Gives it an id where it has none. */
  async submitTask(task: TaskRequest): Promise<{ readonly taskId: string }> {
    const id = task.id === undefined || task.id === "" ? `task-${randomUUID().slice(0, 8)}` : task.id;
    await this.#ask({ op: "submitTask", task: { ...task, id } });
    return { taskId: id };
  }

  async cancelTask(taskId: string): Promise<void> {
    await this.#ask({ op: "cancelTask", taskId });
  }

  /** @throws MeshError; Refusal where time stands still */
  async #ask(operation: ClientOperation): Promise<Answered> {
    if (this.#paused())
      throw new Refusal("unavailable", "The simulation is paused, so that nobody in it answers. Resume it first.");
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      const why = `No answer came in ${PATIENCE_REAL_MS / 1000} s of real time; whether anything comes of it is not known.`;
      timer = setTimeout(() => reject(new MeshError("timeout", "unknown", why)), PATIENCE_REAL_MS);
    });
    try {
      const ask = { ask: "perform", operation, patienceMs: this.#patienceMs } as const;
      const { result } = await Promise.race([this.#thread.ask(ask, "performed"), tooLate]);
      if (result === null)
        throw new MeshError("timeout", "unknown", `No agent answered in ${this.#patienceMs / 1000} s of virtual time.`);
      if (!result.ok) throw new MeshError(result.code, "unknown", result.message);
      return result;
    } finally {
      clearTimeout(timer);
    }
  }
}
