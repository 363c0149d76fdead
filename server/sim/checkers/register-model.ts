import type { MemoryOperation } from "../history.ts";
import { ILLEGAL, type Step } from "./linearizability.ts";

/** The state of a key that holds nothing. */
export const ABSENT = 0;

/**
 * One key as a sequential object. Its state is the write it holds (1 + its place in the history), or ABSENT. Where no answer tells versions and nothing asks for
 * them, writes of one value are one state, which keeps the search small.
 */
export class RegisterModel {
  readonly #operations: readonly MemoryOperation[];
  readonly #values: readonly (string | null)[];
  /** By state; undefined when no answer ever told that write's version. */
  readonly #versions: (number | undefined)[];
  readonly #stateOfVersion = new Map<number, number>();
  /** The first write of each value, and how many there are. */
  readonly #writers = new Map<string, { readonly state: number; count: number }>();
  readonly #versioned: boolean;
  /** Found without searching, with the operation that shows it. */
  readonly contradiction: { readonly operation: number; readonly problem: string } | undefined;
  readonly step: Step = (state, operation) => this.#step(state, operation);

  /** @param operations without failed ones, which have no effect, and without reads that got no answer */
  constructor(operations: readonly MemoryOperation[]) {
    this.#operations = operations;
    this.#versions = [0, ...operations.map(() => undefined)];
    this.#values = [null, ...operations.map(writtenBy)];
    this.#versioned = operations.some(tellsVersion);
    for (const [state, value] of this.#values.entries()) {
      if (value === null) continue;
      const writers = this.#writers.get(value);
      if (writers) writers.count++;
      else this.#writers.set(value, { state, count: 1 });
    }
    for (const [operation, told] of operations.entries()) {
      const problem = this.#learn(operation, told);
      if (problem === "") continue;
      this.contradiction = { operation, problem };
      return;
    }
  }

  describe(state: number): string {
    const value = this.#values[state];
    if (value === null || value === undefined) return "nothing";
    const version = this.#versions[state];
    return version === undefined ? `value ${value}` : `value ${value} (version ${version})`;
  }

  #learn(at: number, { outcome }: MemoryOperation): string {
    if (outcome.type === "written") return outcome.version === undefined ? "" : this.#bind(at + 1, outcome.version);
    if (outcome.type !== "item" || outcome.value === null) return "";
    const writers = this.#writers.get(outcome.value);
    if (writers === undefined) return "read a value that nobody wrote";
    // Of a value that was written more than once, the version tells which write it was, and the search finds out.
    return outcome.version === undefined || writers.count > 1 ? "" : this.#bind(writers.state, outcome.version);
  }

  #bind(state: number, version: number): string {
    const known = this.#versions[state];
    if (known !== undefined && known !== version)
      return `gives version ${version} to a write that has version ${known}`;
    const owner = this.#stateOfVersion.get(version);
    if (owner !== undefined && owner !== state) return `shows that two writes have version ${version}`;
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
        if (outcome.type !== "item" || outcome.value !== this.#values[state]) return ILLEGAL;
        return outcome.value === null || outcome.version === undefined || this.#hasVersion(state, outcome.version)
          ? state
          : ILLEGAL;
      case "put":
        return this.#stateAfter(at);
      case "delete":
        if (outcome.type === "deleted" && outcome.existed !== undefined && outcome.existed !== (state !== ABSENT))
          return ILLEGAL;
        return ABSENT;
      case "compareAndSet":
        if (outcome.type === "conflict")
          return outcome.version !== call.expectedVersion && this.#hasVersion(state, outcome.version) ? state : ILLEGAL;
        return this.#hasVersion(state, call.expectedVersion) ? this.#stateAfter(at) : ILLEGAL;
      case "compareAndSwap":
        return this.#values[state] === call.expected ? this.#stateAfter(at) : ILLEGAL;
    }
  }

  #stateAfter(at: number): number {
    if (this.#versioned) return at + 1;
    return this.#writers.get(this.#values[at + 1] as string)?.state as number;
  }
}

function writtenBy({ call }: MemoryOperation): string | null {
  return call.type === "get" || call.type === "delete" ? null : call.value;
}

function tellsVersion({ call, outcome }: MemoryOperation): boolean {
  return call.type === "compareAndSet" || ("version" in outcome && outcome.version !== undefined);
}
