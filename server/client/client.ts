/**
 * Talks to a swarm. Requests are pipelined (all of one turn of the event loop leave in one frame), fail over between agents, and every
 * write is applied at most once, however often it had to be sent.
 *
 *     const mesh = connect({ agents: [{ id: "a1", port: 4001 }, { id: "a2", port: 4002 }], token });
 *     await mesh.put("settings", "colour", "green");
 *     mesh.close();
 */
import { randomUUID } from "node:crypto";
import type { AggregateInfo } from "../contract/aggregate.ts";
import type { ClientOperation, ClientValue, ItemInfo, WriteOperation } from "../contract/client.ts";
import type { SideNote } from "../contract/partition.ts";
import type { ProposalInfo, ProposalRequest } from "../contract/proposals.ts";
import type { AgentReport, TaskInfo, TaskRequest } from "../contract/swarm.ts";
import type { AgentAddress } from "./connection.ts";
import { type Answer, Dispatcher } from "./dispatcher.ts";
import { MeshError } from "./errors.ts";

export type { AggregateInfo } from "../contract/aggregate.ts";
export type { ClientValue, ItemInfo } from "../contract/client.ts";
export type { SideNote } from "../contract/partition.ts";
export type { ProposalInfo, ProposalRequest } from "../contract/proposals.ts";
export type { AgentReport, TaskInfo, TaskRequest } from "../contract/swarm.ts";
export type { AgentAddress } from "./connection.ts";
export type { MeshErrorCode, Outcome } from "./errors.ts";
export { MeshError } from "./errors.ts";

export interface ConnectOptions {
  /** Agents to talk to, at least one; all of a swarm for failing over. */
  readonly agents: readonly AgentAddress[];
  /** The swarm's control token. */
  readonly token: string;
  /** The swarm's id; agents of another swarm are then refused. */
  readonly swarm?: string;
  /**
   * How many agents may lie (f): an answer to a write is believed when f + 1 of them give it. Absent: what the agents say, the most that any said; so give it where not
   * even the first one is to be trusted in that. 0 where consensus is raft.
   */
  readonly faultsTolerated?: number;
  /** For requests that give none of their own. Default 10,000. */
  readonly timeoutMs?: number;
  /** How long one agent may try before another one is asked. Default 1,500. */
  readonly attemptTimeoutMs?: number;
  /** Requests under way at once. Default 1,024. */
  readonly maxInFlight?: number;
  /** Requests that wait here for one of those to end; more are refused as `overloaded`. Default 16,384. */
  readonly maxWaiting?: number;
  /** For opening one connection. Default 1,500. */
  readonly openTimeoutMs?: number;
  /** An agent that owes answers and does not even answer a ping for so long is left. Default 2,000. */
  readonly silenceTimeoutMs?: number;
}

export interface RequestOptions {
  readonly timeoutMs?: number;
}

export interface ChangeOptions extends RequestOptions {
  /** false: one agent's word is enough, also where some may lie. Faster. Default true. */
  readonly vouch?: boolean;
}

/** What a write came to. */
export interface Written {
  readonly value: ClientValue;
  /** The agents that say so: f + 1, where f may lie; empty where one agent was believed. */
  readonly vouchedBy: readonly string[];
}

/** What was read, and where. */
export interface Read {
  readonly value: ClientValue;
  /** The agent that answered. */
  readonly from: string;
  /** It is cut off from half of the others, or from a quorum: what it has may be old. Absent: it is not, as far as it knows. */
  readonly side?: SideNote;
}

/** The operations of `read`. */
export type ReadRequest = Extract<
  ClientOperation,
  { readonly op: "get" | "list" | "tasks" | "proposals" | "proposal" }
>;

/** The operations of `write`. */
export type WriteRequest = Extract<ClientOperation, { readonly op: WriteOperation }>;

export interface WriteOptions extends ChangeOptions {
  /** The item disappears this long after it was written; absent or 0 = never. */
  readonly ttlMs?: number;
}

/** linearizable: sees every write that was answered before. local: whatever the agent asked has. Absent: the best that the swarm has, which by gossip is local. */
export interface ReportOptions extends RequestOptions {
  readonly state?: boolean;
}

export interface ReadOptions extends RequestOptions {
  readonly consistency?: "linearizable" | "local";
}

export interface ListOptions extends ReadOptions {
  readonly prefix?: string;
  /** Only keys after this one, in the order of UTF-16 code units. */
  readonly after?: string;
  readonly limit?: number;
}

export interface ProposalsOptions extends ReadOptions {
  /** The newest so many are enough. Absent: all. */
  readonly newest?: number;
}

/** Bytes, or a text that is stored as UTF-8. */
export type Value = Uint8Array | string;

/** Opens nothing yet: the first request does. @throws RangeError without agents */
export function connect(options: ConnectOptions): MeshClient {
  return new MeshClient(options);
}

/** All methods reject with a MeshError that says whether the outcome is known. */
export class MeshClient {
  readonly #dispatcher: Dispatcher;
  readonly #timeoutMs: number;

  constructor(options: ConnectOptions) {
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#dispatcher = new Dispatcher({
      ...options,
      maxInFlight: options.maxInFlight ?? 1024,
      maxWaiting: options.maxWaiting ?? 16_384,
      attemptTimeoutMs: options.attemptTimeoutMs ?? 1500,
    });
  }

  /** Any write, and who vouches for what it came to. The other methods that write give the answer alone. */
  async write(request: WriteRequest, options: ChangeOptions = {}): Promise<Written> {
    return this.#dispatcher.ask(request, options.timeoutMs ?? this.#timeoutMs, options.vouch ?? true);
  }

  /** Any read of one answer, and who gave it, from which side of a partition. The other methods that read give the answer alone. */
  async read(request: ReadRequest, options: RequestOptions = {}): Promise<Read> {
    const { value, from = "", side } = await this.#dispatcher.ask(request, options.timeoutMs ?? this.#timeoutMs, false);
    return { value, from, ...(side && { side }) };
  }

  /** The item's new version. */
  async put(namespace: string, key: string, value: Value, options: WriteOptions = {}): Promise<number> {
    const operation = { op: "put", namespace, key, value: bytesOf(value), ...ttlOf(options) } as const;
    return (await this.#ask(operation, options, "written")).version;
  }

  /** Whether it existed. */
  async delete(namespace: string, key: string, options: ChangeOptions = {}): Promise<boolean> {
    return (await this.#ask({ op: "delete", namespace, key }, options, "deleted")).existed;
  }

  /** Writes only where the item's version is the expected one (0: it must be absent). The version that it has now. */
  async compareAndSet(
    namespace: string,
    key: string,
    expectedVersion: number,
    value: Value,
    options: WriteOptions = {},
  ): Promise<{ readonly written: boolean; readonly version: number }> {
    const operation = { op: "compareAndSet", namespace, key, expectedVersion, value: bytesOf(value) } as const;
    const answer = await this.#ask({ ...operation, ...ttlOf(options) }, options, "written", "conflict");
    return { written: answer.type === "written", version: answer.version };
  }

  /** Counts up, or down by less than 0, once however often it had to be sent. By gossip alone. The total at the agent asked, which others may count on. */
  async increment(namespace: string, key: string, by = 1, options: ChangeOptions = {}): Promise<number> {
    return (await this.#ask({ op: "increment", namespace, key, by }, options, "counted")).total;
  }

  /** Adds an element to a set. By gossip alone. Whether it was none before, where it was asked. */
  async add(namespace: string, key: string, element: string, options: ChangeOptions = {}): Promise<boolean> {
    return (await this.#ask({ op: "add", namespace, key, element }, options, "added")).created;
  }

  /** Takes an element out of a set, as far as the agent asked knows of it: an add elsewhere that it has not heard of stays. By gossip alone. Whether it was one, where it was asked. */
  async remove(namespace: string, key: string, element: string, options: ChangeOptions = {}): Promise<boolean> {
    return (await this.#ask({ op: "remove", namespace, key, element }, options, "removed")).existed;
  }

  /** null when there is none; `type` says what is no value: `totalOf` and `elementsOf` read it. */
  async get(namespace: string, key: string, options: ReadOptions = {}): Promise<ItemInfo | null> {
    const operation = { op: "get", namespace, key, ...consistencyOf(options) } as const;
    return (await this.#ask(operation, options, "item")).item;
  }

  /**
   * Items by their keys; `more` when the limit (default 1,000) cut the list, and nothing else: what is too large for one answer is read in several,
   * each consistent in itself. `after` continues a list behind a key. `from` and `side` are of the last answer.
   */
  async list(
    namespace: string,
    options: ListOptions = {},
  ): Promise<{ readonly items: readonly ItemInfo[]; readonly more: boolean } & Pick<Read, "from" | "side">> {
    const { prefix = "", limit = 1000 } = options;
    const items: ItemInfo[] = [];
    for (let { after = "" } = options; ; after = (items.at(-1) as ItemInfo).key) {
      const left = limit - items.length;
      const operation = { op: "list", namespace, ...consistencyOf(options), prefix, limit: left, after } as const;
      const { value, from = "", side } = await this.#answer(operation, options, "items");
      items.push(...value.items);
      if (!value.more || items.length >= limit || value.items.length === 0)
        return { items, more: value.more, from, ...(side && { side }) };
    }
  }

  /** Gives the task an id where it has none. `created` is false when a task of this id and content was there before. */
  async submitTask(
    task: TaskRequest,
    options: ChangeOptions = {},
  ): Promise<{ readonly taskId: string; readonly created: boolean }> {
    // Chosen here, once: a retry must name the same task.
    const id = task.id === undefined || task.id === "" ? `task-${randomUUID().slice(0, 8)}` : task.id;
    const { taskId, created } = await this.#ask({ op: "submitTask", task: { ...task, id } }, options, "task");
    return { taskId, created };
  }

  async cancelTask(taskId: string, options: ChangeOptions = {}): Promise<void> {
    await this.#ask({ op: "cancelTask", taskId }, options, "task", "done");
  }

  /** All of them, in the order of submission; what is too much for one answer is read in several, each consistent in itself. */
  async tasks(options: ReadOptions = {}): Promise<readonly TaskInfo[]> {
    const pages: (readonly TaskInfo[])[] = [];
    for (let before = ""; ; ) {
      const operation = { op: "tasks", ...consistencyOf(options), ...(before === "" ? {} : { before }) } as const;
      const { tasks, more = false } = await this.#ask(operation, options, "tasks");
      pages.unshift(tasks);
      if (!more || tasks[0] === undefined) return pages.flat();
      before = tasks[0].id;
    }
  }

  /**
   * Puts something to the vote, and gives it an id where it has none; answered once all know of it (by gossip: the agent asked does), not once it is decided. `created` is false when a proposal of this id
   * and content was there before.
   */
  async propose(
    request: ProposalRequest,
    options: ChangeOptions = {},
  ): Promise<{ readonly proposalId: string; readonly created: boolean }> {
    const proposal = { ...request, id: request.id || `proposal-${randomUUID().slice(0, 8)}` };
    const { proposalId, created } = await this.#ask({ op: "propose", proposal }, options, "proposed");
    return { proposalId, created };
  }

  /** In the order of submission; read as tasks are. */
  async proposals(options: ProposalsOptions = {}): Promise<readonly ProposalInfo[]> {
    const { newest = Number.POSITIVE_INFINITY } = options;
    const pages: (readonly ProposalInfo[])[] = [];
    let read = 0;
    for (let before = ""; ; ) {
      const operation = { op: "proposals", ...consistencyOf(options), ...(before === "" ? {} : { before }) } as const;
      const { proposals, more = false } = await this.#ask(operation, options, "proposals");
      pages.unshift(proposals);
      read += proposals.length;
      if (!more || proposals[0] === undefined || read >= newest) return pages.flat().slice(-newest);
      before = proposals[0].id;
    }
  }

  /** null when there is none. */
  async proposal(proposalId: string, options: ReadOptions = {}): Promise<ProposalInfo | null> {
    return (await this.#ask({ op: "proposal", proposalId, ...consistencyOf(options) }, options, "proposal")).proposal;
  }

  /**
   * What all agents together have of a metric (AGGREGATE_METRICS names them), which they come to know by gossip: about a second with the timing `local`, so that slower ones want a
   * longer `timeoutMs`. One agent's word, as all of theirs is in it.
   */
  async aggregate(metric: string, options: RequestOptions = {}): Promise<AggregateInfo> {
    return (await this.#ask({ op: "aggregate", metric }, options, "aggregate")).aggregate;
  }

  /** What the agent that serves this client says of itself. @param options with `state: true` also the hash of all that it holds, for which it stands still in proportion to that */
  async report({ state = false, ...options }: ReportOptions = {}): Promise<AgentReport> {
    return (await this.#ask({ op: "report", state }, options, "report")).report;
  }

  /** The swarm has other agents now: these are asked from now on. @throws RangeError without agents */
  setAgents(agents: readonly AgentAddress[]): void {
    this.#dispatcher.setAgents(agents);
  }

  /** Ends all connections and timers at once; requests under way reject with code `closed`. */
  close(): void {
    this.#dispatcher.close();
  }

  async #ask<T extends ClientValue["type"]>(
    operation: ClientOperation,
    options: ChangeOptions,
    ...expected: readonly T[]
  ): Promise<Extract<ClientValue, { type: T }>> {
    return (await this.#answer(operation, options, ...expected)).value;
  }

  async #answer<T extends ClientValue["type"]>(
    operation: ClientOperation,
    options: ChangeOptions,
    ...expected: readonly T[]
  ): Promise<Answer & { readonly value: Extract<ClientValue, { type: T }> }> {
    const { timeoutMs = this.#timeoutMs, vouch = true } = options;
    const answer = await this.#dispatcher.ask(operation, timeoutMs, vouch);
    const { value } = answer;
    if (!(expected as readonly string[]).includes(value.type))
      throw new MeshError("invalid", "unknown", `An agent answered ${operation.op} with ${value.type}.`);
    return { ...answer, value: value as Extract<ClientValue, { type: T }> };
  }
}

/** A counter's total. @throws TypeError for an item that is no counter */
export function totalOf({ namespace, key, type, value }: ItemInfo): number {
  if (type !== "counter") throw new TypeError(`${namespace} ${key} is a ${type ?? "value"}, not a counter`);
  return Number(Buffer.from(value).toString("utf8"));
}

/** A set's elements, in the order of UTF-16 code units. @throws TypeError for an item that is no set */
export function elementsOf({ namespace, key, type, value }: ItemInfo): readonly string[] {
  if (type !== "set") throw new TypeError(`${namespace} ${key} is a ${type ?? "value"}, not a set`);
  return JSON.parse(Buffer.from(value).toString("utf8")) as string[];
}

function bytesOf(value: Value): Uint8Array {
  return typeof value === "string" ? Buffer.from(value, "utf8") : value;
}

/** What is not said the agent chooses: it knows what its swarm has. */
function consistencyOf({ consistency }: ReadOptions): Pick<ReadOptions, "consistency"> {
  return consistency === undefined ? {} : { consistency };
}

function ttlOf(options: WriteOptions): { readonly ttlMs?: number } {
  return options.ttlMs === undefined ? {} : { ttlMs: options.ttlMs };
}
