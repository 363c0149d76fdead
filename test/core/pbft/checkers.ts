import type { AgentId, Entry } from "../../../server/core/consensus.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import type { PbftMessage } from "../../../server/core/pbft/types.ts";

/**
 * What must hold whatever happens, as long as no more replicas lie than are survived (OSDI '99, §3 and §4.5): honest replicas execute the same in the same order (agreement and total
 * order), only what somebody proposed and each of it once (validity), a read sees what was executed anywhere honest before it was asked for, and nobody honest contradicts itself.
 */
export class Checkers {
  /** Of all honest replicas. */
  executedIndex = 0;
  readonly #honest: ReadonlySet<AgentId>;
  readonly #proposed = new Set<string>();
  /** By index: what the first honest replica to execute it was after it, and the command. */
  readonly #states = new Map<number, string>();
  readonly #places = new Map<string, number>();
  readonly #said = new Map<string, string>();

  constructor(honest: readonly AgentId[]) {
    this.#honest = new Set(honest);
  }

  proposed(command: string): void {
    this.#proposed.add(command);
  }

  /** Where a command was executed; undefined: nowhere. */
  placeOf(command: string): number | undefined {
    return this.#places.get(command);
  }

  applied(id: AgentId, { index }: Entry, place: number, state: string, command: string): void {
    if (!this.#honest.has(id)) return;
    check(index === place, `${id} executes ${index} in place ${place}`);
    const known = this.#states.get(index);
    check(known === undefined || known === state, `agreement: ${id} and another differ after entry ${index}`);
    this.#states.set(index, state);
    if (known !== undefined) return;
    check(this.#proposed.has(command), `validity: ${command} was proposed`);
    check(!this.#places.has(command), `once: ${command} at ${index} and at ${this.#places.get(command)}`);
    this.#places.set(command, index);
    this.executedIndex = Math.max(this.executedIndex, index);
  }

  installed(id: AgentId, index: number, state: string): void {
    if (!this.#honest.has(id)) return;
    const known = this.#states.get(index);
    check(index === 0 || known === state, `agreement: ${id} installed another state after entry ${index}`);
  }

  read(id: AgentId, index: number, before: number): void {
    if (this.#honest.has(id)) check(index >= before, `${id} reads at ${index} what was at ${before} already`);
  }

  /** Also over a crash. */
  sent(from: AgentId, message: PbftMessage): void {
    if (message.type !== "prepare" && message.type !== "commit" && message.type !== "prePrepare") return;
    const { type, view, seq } = message;
    const key = `${from} ${type} ${view} ${seq}`;
    const digest = Buffer.from(message.digest).toString("latin1");
    const known = this.#said.get(key);
    check(known === undefined || known === digest, `${from} contradicts itself: two ${type} for view ${view}, ${seq}`);
    this.#said.set(key, digest);
  }
}

function check(holds: boolean, promise: string): void {
  if (!holds) throw new InvariantViolation(promise);
}
