/** A few clients that read and write the memory of a running swarm, so that its availability and its linearizability can be judged. */

import { connect, type MeshClient } from "../../client/client.ts";
import { MeshError } from "../../client/errors.ts";
import { seededRandom } from "../../core/random.ts";
import { type Deferred, deferred } from "../../live/deferred.ts";
import type { MemoryOperation, MemoryOutcome } from "../../sim/history.ts";
import type { OwnCall } from "../../sim/memory-calls.ts";

/** Where its keys live; no other is touched. */
export const WORKLOAD_NAMESPACE = "agent-mesh.expect";
export const WORKLOAD_CLIENTS = 2;
/** Between an answer and the next operation, on average: at most 20 operations a second together. */
const THINK_MS = 100;
const KEYS = 4;
const LOOK_EVERY_MS = 5;
/** About two hours; then it asks nothing more. */
const MAX_OPERATIONS = 150_000;

export interface WorkloadOptions {
  readonly connect: Parameters<typeof connect>[0];
  readonly seed: string;
  /** There is one order for all: otherwise nothing is compared and set. */
  readonly ordered: boolean;
  /** All attempts of one operation; then its outcome counts as unknown. */
  readonly patienceMs: number;
  readonly called: (client: string) => void;
  readonly answered: (client: string, served: boolean) => void;
}

interface Pending {
  readonly client: string;
  readonly key: string;
  readonly call: OwnCall;
  readonly invokedUs: number;
}

export class BackgroundWorkload {
  readonly #options: WorkloadOptions;
  readonly #operations: MemoryOperation[] = [];
  readonly #pending = new Set<Pending>();
  readonly #versions = new Map<string, number>();
  readonly #clients: readonly MeshClient[];
  readonly #running: Promise<void>[];
  readonly #beganMs = performance.now();
  readonly #stop = new AbortController();
  #values = 0;
  /** While it is quiet: resolves when it may go on. */
  #quiet: Deferred<void> | undefined;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#clients = Array.from({ length: WORKLOAD_CLIENTS }, () => connect(options.connect));
    this.#running = this.#clients.map((client, at) => this.#run(client, `w${at + 1}`));
  }

  /** What ended, and what is under way now, whose outcome is unknown as yet. */
  get history(): readonly MemoryOperation[] {
    const unknown = { outcome: { type: "unknown" }, returnedUs: Number.POSITIVE_INFINITY } as const;
    return [...this.#operations, ...[...this.#pending].map((pending) => ({ ...pending, ...unknown }))];
  }

  /** It asks nothing more because it has asked enough. */
  get full(): boolean {
    return this.#operations.length >= MAX_OPERATIONS;
  }

  /** Asks nothing for as long as `look` takes: what is under way is waited for before. */
  async quiet<T>(look: () => Promise<T>): Promise<T> {
    const quiet = deferred<void>();
    this.#quiet = quiet;
    try {
      while (this.#pending.size > 0 && !this.#stop.signal.aborted) await this.#pause(LOOK_EVERY_MS);
      return await look();
    } finally {
      this.#quiet = undefined;
      quiet.resolve();
    }
  }

  /** Ends it, with what is under way; the history stays. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#quiet?.resolve();
    for (const client of this.#clients) client.close();
    await Promise.all(this.#running);
  }

  async #run(client: MeshClient, name: string): Promise<void> {
    const random = seededRandom(`${this.#options.seed}/${name}`);
    const stopped = (): boolean => this.#stop.signal.aborted || this.full;
    for (;;) {
      await this.#pause(THINK_MS * 2 * random.float());
      await this.#quiet?.promise;
      if (stopped()) return;
      const key = `k${random.int(1, KEYS)}`;
      const value = `${name}:${++this.#values}`;
      const draw = random.float();
      if (draw < 0.5) await this.#operate(client, name, key, { type: "get" });
      else if (draw < 0.8 || (draw < 0.95 && !this.#options.ordered))
        await this.#operate(client, name, key, { type: "put", value });
      else if (draw < 0.95)
        await this.#operate(client, name, key, {
          type: "compareAndSet",
          expectedVersion: this.#versions.get(key) ?? 0,
          value,
        });
      else await this.#operate(client, name, key, { type: "delete" });
    }
  }

  async #operate(client: MeshClient, name: string, key: string, call: OwnCall): Promise<void> {
    const pending: Pending = { client: name, key, call, invokedUs: this.#nowUs() };
    this.#pending.add(pending);
    this.#options.called(name);
    const outcome = await this.#ask(client, key, call);
    this.#pending.delete(pending);
    const served = outcome.type !== "unknown" && outcome.type !== "failed";
    // What the end of the workload cut off says nothing of the mesh.
    if (served || !this.#stop.signal.aborted) this.#options.answered(name, served);
    const nowUs = this.#nowUs();
    if ("version" in outcome && outcome.version !== undefined) this.#versions.set(key, outcome.version);
    const end =
      outcome.type === "unknown" ? { returnedUs: Number.POSITIVE_INFINITY, gaveUpUs: nowUs } : { returnedUs: nowUs };
    this.#operations.push({ ...pending, outcome, ...end });
  }

  async #ask(client: MeshClient, key: string, call: OwnCall): Promise<MemoryOutcome> {
    const options = { timeoutMs: this.#options.patienceMs };
    try {
      switch (call.type) {
        case "get": {
          const item = await client.get(WORKLOAD_NAMESPACE, key, options);
          return item === null
            ? { type: "item", value: null }
            : { type: "item", value: Buffer.from(item.value).toString("utf8"), version: item.version };
        }
        case "put":
          return { type: "written", version: await client.put(WORKLOAD_NAMESPACE, key, call.value, options) };
        case "delete":
          return { type: "deleted", existed: await client.delete(WORKLOAD_NAMESPACE, key, options) };
        case "compareAndSet": {
          const { expectedVersion, value } = call;
          const answer = await client.compareAndSet(WORKLOAD_NAMESPACE, key, expectedVersion, value, options);
          return { type: answer.written ? "written" : "conflict", version: answer.version };
        }
      }
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      return { type: error.outcome === "notApplied" ? "failed" : "unknown" };
    }
  }

  #nowUs(): number {
    return (performance.now() - this.#beganMs) * 1000;
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end);
    });
  }
}
