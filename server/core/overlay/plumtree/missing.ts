import type { AgentId } from "../../consensus.ts";
import { DeadlineQueue } from "../../deadlines.ts";
import { MAX_HOLDERS } from "./limits.ts";
import type { BroadcastId } from "./types.ts";

/** A broadcast that others have announced, and this agent lacks. */
export interface Missing {
  readonly id: BroadcastId;
  readonly key: string;
  readonly order: number;
  /** Who announced it, the first first. */
  holders: { readonly peer: AgentId; readonly hops: number }[];
}

/** What is missing, at most so many broadcasts, each with when it is to be asked for. */
export class MissingBroadcasts {
  readonly #most: number;
  readonly #byKey = new Map<string, Missing>();
  readonly #due = new DeadlineQueue<Missing>();
  #order = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Missing | undefined {
    return this.#byKey.get(key);
  }

  /** Where too many are missing already it is not noted: it will be announced by others, or be asked for once there is room. @param dueMs of one that is new here */
  announced(id: BroadcastId, key: string, holder: Missing["holders"][number], dueMs: number): void {
    let missing = this.#byKey.get(key);
    if (missing === undefined) {
      if (this.#byKey.size >= this.#most) return;
      missing = { id, key, order: this.#order++, holders: [] };
      this.#byKey.set(key, missing);
      this.#due.set(missing, dueMs, missing.order);
    }
    if (missing.holders.length < MAX_HOLDERS && missing.holders.every(({ peer }) => peer !== holder.peer))
      missing.holders.push(holder);
  }

  again(missing: Missing, dueMs: number): void {
    this.#due.set(missing, dueMs, missing.order);
  }

  delete(missing: Missing): void {
    this.#byKey.delete(missing.key);
    this.#due.delete(missing);
  }

  /** The peer can be asked no more. */
  forget(peer: AgentId): void {
    for (const missing of this.#byKey.values())
      missing.holders = missing.holders.filter((holder) => holder.peer !== peer);
  }

  takeDue(now: number): Missing | undefined {
    return this.#due.takeDue(now);
  }

  earliestMs(): number {
    return this.#due.earliestMs();
  }
}
