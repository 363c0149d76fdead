import type { ClientReply } from "../agent/world.ts";
import type { ClientOperation, ClientResult } from "../contract/client.ts";
import type { TaskInfo, TaskRequest } from "../contract/swarm.ts";
import type { Random } from "../core/random.ts";
import type { Tally, TypedOperation } from "./checkers/tally.ts";
import { SimClient } from "./client.ts";
import type { History, MemoryOutcome } from "./history.ts";
import { fromClientValue, NAMESPACE, type OwnCall, toClientOperation } from "./memory-calls.ts";
import { Proposer, type ProposerListener, type ProposerOptions } from "./proposer.ts";
import type { Schedule } from "./schedule.ts";
import type { SimWorld } from "./world.ts";

export interface WorkloadOptions {
  readonly clients: number;
  readonly keys: number;
  /** Between an answer and the next operation, on average. */
  readonly thinkMs: number;
  /** One attempt at one agent. */
  readonly attemptMs: number;
  /** All attempts of one operation; then its outcome counts as unknown. */
  readonly patienceMs: number;
  /** One operation in this many submits a task. */
  readonly taskEvery: number;
  /** What takes one order for all is asked for, too: compareAndSet and tasks. */
  readonly ordered: boolean;
  /** What needs the opposite, too, counters and sets: told of all that is asked, and all that is acknowledged. Absent: nobody asks for that. */
  readonly tally?: Pick<Tally, "asked" | "answered">;
  /** That clients begin, all together. */
  readonly operations: number;
  /** Absent: nobody proposes anything. */
  readonly proposals?: Omit<ProposerOptions, "attemptMs" | "patienceMs">;
}

/** Told what clients learn. */
export interface WorkloadListener extends ProposerListener {
  taskAcknowledged(id: string): void;
  /** A request of the workload was refused as senseless, or something else that never happens to a correct client. */
  surprised(detail: string): void;
  /** A client that does one thing after the other begins one, and ends it: served when it got an answer. */
  called(client: string): void;
  answered(client: string, served: boolean): void;
}

/**
 * Clients that read and write a few keys through whatever agent answers, one operation at a time each, and submit tasks where the swarm has them; others
 * put something to the vote, where that is asked for. Everything they see of the memory goes into
 * the history.
 */
export class Workload {
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #options: WorkloadOptions;
  readonly #history: History;
  readonly #listener: WorkloadListener;
  readonly #clients: SimClient[] = [];
  readonly #proposer: Proposer | undefined;
  /** Versions clients have seen, by key: what a compare-and-set starts from. */
  readonly #versions = new Map<string, number>();
  readonly #taskIds: string[] = [];
  readonly #elements: string[] = [];
  #values = 0;
  #running = false;
  #busy = 0;
  #begun = 0;
  #finished = 0;

  constructor(
    schedule: Schedule,
    random: Random,
    worlds: readonly SimWorld[],
    history: History,
    options: WorkloadOptions,
    listener: WorkloadListener,
  ) {
    this.#schedule = schedule;
    this.#random = random;
    this.#options = options;
    this.#history = history;
    this.#listener = listener;
    for (let number = 1; number <= options.clients; number++)
      this.#clients.push(
        new SimClient(schedule, random.fork(`client ${number}`), worlds, `c${number}`, options.attemptMs),
      );
    const { attemptMs, patienceMs, proposals } = options;
    if (proposals === undefined) return;
    this.#proposer = new Proposer(
      schedule,
      random.fork("proposals"),
      worlds,
      { attemptMs, patienceMs, ...proposals },
      { mayBegin: () => this.#mayBegin(), perform: (...given) => this.#perform(...given) },
      listener,
    );
  }

  /** Operations that got an answer. */
  get finished(): number {
    return this.#finished;
  }

  /** Clients in the middle of an operation. */
  get busy(): number {
    return this.#busy;
  }

  start(): void {
    this.#running = true;
    for (const client of this.#clients) this.#think(client);
    this.#proposer?.start();
  }

  /** No new operations; those under way go on to their end. */
  stop(): void {
    this.#running = false;
    this.#proposer?.stop();
  }

  replied(agent: number, replies: readonly ClientReply[]): void {
    for (const reply of replies)
      if (!this.#clients.some((client) => client.replied(agent, reply))) this.#proposer?.replied(agent, reply);
  }

  agentCrashed(agent: number): void {
    for (const client of this.#clients) client.agentCrashed(agent);
    this.#proposer?.agentCrashed(agent);
  }

  /**
   * One write and one read, through the given agent first, for the liveness check. The write has a second try: a session whose
   * first write was given up under faults is refused once, by design, and the client begins another.
   */
  probe(agent: number, patienceMs: number, done: (ok: boolean) => void): void {
    const client = this.#clients[agent % this.#clients.length] as SimClient;
    const key = this.#key();
    const write = (then: (written: boolean) => void) => {
      client.prefer(agent);
      this.#memory(client, key, { type: "put", value: this.#value(client) }, patienceMs, then);
    };
    const read = () => this.#memory(client, key, { type: "get" }, patienceMs, done);
    write((written) => {
      if (written) read();
      else write((secondWritten) => (secondWritten ? read() : done(false)));
    });
  }

  submitTask(task: TaskRequest, patienceMs: number, done: (ok: boolean) => void): void {
    this.#perform(this.#random.pick(this.#clients), { op: "submitTask", task }, patienceMs, (result) => {
      if (result?.ok && task.id !== undefined) this.#listener.taskAcknowledged(task.id);
      done(result?.ok === true);
    });
  }

  listTasks(patienceMs: number, done: (tasks: readonly TaskInfo[] | undefined) => void): void {
    this.#perform(this.#clients[0] as SimClient, { op: "tasks" }, patienceMs, (result) =>
      done(result?.ok && result.value.type === "tasks" ? result.value.tasks : undefined),
    );
  }

  #think(client: SimClient): void {
    this.#schedule.afterMs(this.#options.thinkMs * 2 * this.#random.float(), () => {
      if (this.#running && this.#mayBegin()) this.#next(client);
    });
  }

  #mayBegin(): boolean {
    return this.#begun++ < this.#options.operations;
  }

  #next(client: SimClient): void {
    const random = this.#random;
    const { patienceMs } = this.#options;
    const again = (served: boolean) => {
      this.#listener.answered(client.name, served);
      this.#think(client);
    };
    this.#listener.called(client.name);
    if (!this.#options.ordered) {
      this.#nextUnordered(client, again);
      return;
    }
    if (random.int(1, this.#options.taskEvery) === 1) {
      if (this.#taskIds.length > 0 && random.chance(0.1)) {
        this.#perform(client, { op: "cancelTask", taskId: random.pick(this.#taskIds) }, patienceMs, (result) =>
          again(result !== undefined),
        );
        return;
      }
      const task = this.#task();
      this.#perform(client, { op: "submitTask", task }, patienceMs, (result) => {
        if (result?.ok) this.#listener.taskAcknowledged(task.id as string);
        again(result !== undefined);
      });
      return;
    }
    // Whatever the rest is, the memory is in no order.
    if (this.#options.tally !== undefined) {
      this.#nextUnordered(client, again);
      return;
    }
    const key = this.#key();
    const draw = random.float();
    if (draw < 0.05) this.#list(client, again);
    else if (draw < 0.45) this.#memory(client, key, { type: "get" }, patienceMs, again);
    else if (draw < 0.75) this.#memory(client, key, { type: "put", value: this.#value(client) }, patienceMs, again);
    else if (draw < 0.9) {
      const expectedVersion = random.chance(0.8) ? (this.#versions.get(key) ?? 0) : 0;
      const call: OwnCall = { type: "compareAndSet", expectedVersion, value: this.#value(client) };
      this.#memory(client, key, call, patienceMs, again);
    } else this.#memory(client, key, { type: "delete" }, patienceMs, again);
  }

  /** Of what needs no order; lists show what agents hold of all keys at once. */
  #nextUnordered(client: SimClient, again: (served: boolean) => void): void {
    const random = this.#random;
    const { patienceMs, attemptMs } = this.#options;
    const { tally } = this.#options;
    if (tally !== undefined && random.chance(0.5)) {
      this.#typed(client, tally, again);
      return;
    }
    const [key, draw] = [this.#key(), random.float()];
    if (draw < 0.2) this.#list(client, again);
    else if (draw < 0.4) this.#memory(client, key, { type: "get" }, patienceMs, again);
    else if (draw < 0.8) this.#memory(client, key, { type: "put", value: this.#value(client) }, patienceMs, again);
    else if (draw < 0.85) {
      const ttlMs = Math.ceil(attemptMs * 4 * random.float());
      this.#memory(client, key, { type: "put", value: this.#value(client), ttlMs }, patienceMs, again);
    } else this.#memory(client, key, { type: "delete" }, patienceMs, again);
  }

  /** Mostly elements of their own, so that it can be told whether one is missing; some are added again, or removed. */
  #typed(client: SimClient, tally: Pick<Tally, "asked" | "answered">, again: (served: boolean) => void): void {
    const operation = this.#typedOperation();
    tally.asked(operation);
    this.#perform(client, operation, this.#options.patienceMs, (result) => {
      if (result?.ok) tally.answered(operation);
      else if (result?.code === "invalid" || result?.code === "refused")
        this.#listener.surprised(`${client.name}'s ${operation.op} of ${operation.key} was refused: ${result.message}`);
      again(result?.ok === true);
    });
  }

  #typedOperation(): TypedOperation {
    const random = this.#random;
    const draw = random.float();
    if (draw < 0.5)
      return {
        op: "increment",
        namespace: NAMESPACE,
        key: `c${random.int(1, 2)}`,
        by: random.int(1, 9) * (random.chance(0.3) ? -1 : 1),
      };
    const op = draw < 0.8 ? "add" : "remove";
    const known = this.#elements.length > 0 && (op === "remove" || random.chance(0.2));
    const element = known ? random.pick(this.#elements) : `e${this.#elements.length + 1}`;
    if (!known) this.#elements.push(element);
    // An element is always one of the same set.
    return { op, namespace: NAMESPACE, key: `s${1 + (Number(element.slice(1)) % 2)}`, element };
  }

  #key(): string {
    return `k${this.#random.int(1, this.#options.keys)}`;
  }

  #value(client: SimClient): string {
    return `${client.name}:${++this.#values}`;
  }

  #task(): TaskRequest {
    const id = `t${this.#taskIds.length + 1}`;
    this.#taskIds.push(id);
    const seconds = (this.#random.float() * this.#options.patienceMs) / 4000;
    return this.#random.chance(0.5)
      ? { id, command: "sleep", args: [seconds.toFixed(3)], maxAttempts: 3 }
      : { id, command: "work", args: [], maxAttempts: 3 };
  }

  #memory(client: SimClient, key: string, call: OwnCall, patienceMs: number, done: (ok: boolean) => void): void {
    const invokedUs = this.#schedule.nowUs;
    this.#perform(client, toClientOperation(key, call), patienceMs, (result) => {
      let outcome: MemoryOutcome = { type: "unknown" };
      if (result?.ok) outcome = fromClientValue(result.value);
      else if (result?.code === "invalid" || result?.code === "refused")
        this.#listener.surprised(
          `${client.name}'s ${call.type} of ${key} was refused (${result.code}): ${result.message}`,
        );
      const unknown = outcome.type === "unknown";
      const returnedUs = unknown ? Number.POSITIVE_INFINITY : this.#schedule.nowUs;
      const gaveUp = unknown ? { gaveUpUs: this.#schedule.nowUs } : {};
      this.#history.record({ client: client.name, key, call, outcome, invokedUs, returnedUs, ...gaveUp });
      if ("version" in outcome && outcome.version !== undefined) this.#versions.set(key, outcome.version);
      done(!unknown);
    });
  }

  /** A list is atomic over all keys; it is judged as one read of each, which is a little less. */
  #list(client: SimClient, done: (ok: boolean) => void): void {
    const invokedUs = this.#schedule.nowUs;
    this.#perform(client, { op: "list", namespace: NAMESPACE }, this.#options.patienceMs, (result) => {
      if (result?.ok && result.value.type === "items") {
        const { items } = result.value;
        for (let number = 1; number <= this.#options.keys; number++) {
          const key = `k${number}`;
          const item = items.find((one) => one.key === key) ?? null;
          const outcome = fromClientValue({ type: "item", item });
          const returnedUs = this.#schedule.nowUs;
          this.#history.record({ client: client.name, key, call: { type: "get" }, outcome, invokedUs, returnedUs });
        }
      }
      done(result?.ok === true);
    });
  }

  #perform(
    client: SimClient,
    operation: ClientOperation,
    patienceMs: number,
    done: (result: ClientResult | undefined) => void,
  ): void {
    this.#busy++;
    client.perform(operation, patienceMs, (result) => {
      this.#busy--;
      if (result?.ok) this.#finished++;
      done(result);
    });
  }
}
