import type { MemoryOperation } from "../history.ts";
import type { Broken } from "./broken.ts";
import { ILLEGAL, type Linearization, linearize, type Step } from "./linearizability.ts";

const ABSENT = 0;

/**
 * The memory is linearizable: each key by itself behaves as one copy that one operation at a time changes or reads (Herlihy and Wing, 1990). Every write
 * of a history has a value of its own, so a read tells which write it saw.
 */
export class LinearizableMemory {
  readonly #broken: Broken;

  constructor(broken: Broken) {
    this.#broken = broken;
  }

  check(history: readonly MemoryOperation[]): void {
    const keys = new Map<string, MemoryOperation[]>();
    for (const operation of history) {
      const ofKey = keys.get(operation.key);
      if (ofKey) ofKey.push(operation);
      else keys.set(operation.key, [operation]);
    }
    for (const [key, operations] of keys) this.#checkKey(key, operations);
  }

  #checkKey(key: string, all: readonly MemoryOperation[]): void {
    // A read without an answer tells and changes nothing.
    const operations = all.filter(({ call, outcome }) => call.type !== "get" || outcome.type !== "unknown");
    const register = new Register(operations);
    if (register.contradiction !== "") {
      this.#broken("linearizable memory", `key ${key}: ${register.contradiction}`);
      return;
    }
    const times = operations.map(({ invokedUs, returnedUs }) => ({ invokedAt: invokedUs, returnedAt: returnedUs }));
    const result: Linearization = linearize(times, ABSENT, register.step);
    if (result.type === "undecided")
      this.#broken(
        "linearizable memory",
        `key ${key}: undecided after ${result.steps} steps of ${operations.length} operations`,
      );
    if (result.type === "broken") {
      const culprit = operations[result.operation] as MemoryOperation;
      this.#broken(
        "linearizable memory",
        `key ${key}: no order of its ${operations.length} operations explains ${describe(culprit)}; ` +
          `the longest places ${result.placed} and then has ${register.describe(result.state)}`,
      );
    }
  }
}

/** One key as a sequential object. Its state is the write it holds (1 + its place in the history), or ABSENT. */
class Register {
  readonly #operations: readonly MemoryOperation[];
  /** By state; undefined when no answer ever told that write's version. */
  readonly #versions: (number | undefined)[];
  readonly #stateOfVersion = new Map<number, number>();
  readonly #stateOfValue = new Map<string, number>();
  /** Found without searching; "" = none. */
  readonly contradiction: string = "";
  readonly step: Step = (state, operation) => this.#step(state, operation);

  constructor(operations: readonly MemoryOperation[]) {
    this.#operations = operations;
    this.#versions = [0];
    operations.forEach(({ call }, at) => {
      this.#versions.push(undefined);
      if (call.type === "put" || call.type === "compareAndSet") this.#stateOfValue.set(call.value, at + 1);
    });
    for (const [at, operation] of operations.entries()) {
      const problem = this.#learn(at, operation);
      if (problem === "") continue;
      this.contradiction = problem;
      return;
    }
  }

  describe(state: number): string {
    if (state === ABSENT) return "nothing there";
    const { call } = this.#operations[state - 1] as MemoryOperation;
    const value = call.type === "put" || call.type === "compareAndSet" ? call.value : "";
    const version = this.#versions[state];
    return version === undefined ? `value ${value}` : `value ${value} (version ${version})`;
  }

  #learn(at: number, operation: MemoryOperation): string {
    const { outcome } = operation;
    if (outcome.type === "written") return this.#bind(at + 1, outcome.version, operation);
    if (outcome.type !== "item" || outcome.value === null) return "";
    const state = this.#stateOfValue.get(outcome.value);
    if (state === undefined) return `${describe(operation)} read a value that nobody wrote`;
    return this.#bind(state, outcome.version, operation);
  }

  #bind(state: number, version: number, told: MemoryOperation): string {
    const known = this.#versions[state];
    if (known !== undefined && known !== version)
      return `${describe(told)} gives version ${version} to a write that has version ${known}`;
    const owner = this.#stateOfVersion.get(version);
    if (owner !== undefined && owner !== state) return `${describe(told)}: two writes have version ${version}`;
    this.#versions[state] = version;
    this.#stateOfVersion.set(version, state);
    return "";
  }

  /** Whether this state can have that version: a write whose version nobody learnt may have any that is not another's. */
  #hasVersion(state: number, version: number): boolean {
    const known = this.#versions[state];
    return known === undefined ? version !== 0 && !this.#stateOfVersion.has(version) : known === version;
  }

  #step(state: number, at: number): number {
    const { call, outcome } = this.#operations[at] as MemoryOperation;
    switch (call.type) {
      case "get":
        if (outcome.type !== "item") return ILLEGAL;
        if (outcome.value === null) return state === ABSENT ? state : ILLEGAL;
        return this.#stateOfValue.get(outcome.value) === state ? state : ILLEGAL;
      case "put":
        return at + 1;
      case "delete":
        if (outcome.type === "deleted" && outcome.existed !== (state !== ABSENT)) return ILLEGAL;
        return ABSENT;
      case "compareAndSet":
        if (outcome.type === "conflict")
          return outcome.version !== call.expectedVersion && this.#hasVersion(state, outcome.version) ? state : ILLEGAL;
        return this.#hasVersion(state, call.expectedVersion) ? at + 1 : ILLEGAL;
    }
  }
}

function describe({ client, call, outcome, invokedUs, returnedUs }: MemoryOperation): string {
  const what =
    call.type === "put"
      ? `put ${call.value}`
      : call.type === "compareAndSet"
        ? `compareAndSet ${call.expectedVersion} to ${call.value}`
        : call.type;
  const answer =
    outcome.type === "item"
      ? outcome.value === null
        ? "nothing"
        : `${outcome.value} (version ${outcome.version})`
      : outcome.type === "written"
        ? `version ${outcome.version}`
        : outcome.type === "conflict"
          ? `conflict with version ${outcome.version}`
          : outcome.type === "deleted"
            ? `existed ${outcome.existed}`
            : "unknown";
  const end = returnedUs === Number.POSITIVE_INFINITY ? "" : (returnedUs / 1000).toFixed(3);
  return `${client}'s ${what} -> ${answer} [${(invokedUs / 1000).toFixed(3)} to ${end} ms]`;
}
