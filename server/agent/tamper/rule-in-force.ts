import type { MessageRule } from "../../contract/faults.ts";
import type { AgentId } from "../../core/consensus.ts";
import type { Random } from "../../core/random.ts";
import { messageFields } from "../consensus/messages.ts";
import type { Told } from "./told.ts";

/** What all rules together do to one message. */
export interface Befallen {
  dropped: boolean;
  delayMs: number;
  copies: number;
  corrupt: boolean;
}

/** A message rule at one sender, with its count. */
export class RuleInForce {
  readonly #rule: MessageRule;
  readonly #random: Random;
  #left: number;

  constructor(rule: MessageRule, random: Random) {
    this.#rule = rule;
    this.#random = random;
    this.#left = rule.count ?? Number.POSITIVE_INFINITY;
  }

  /** Whether anything that this agent sends may still match. */
  concerns(from: AgentId): boolean {
    return this.#left > 0 && (this.#rule.from === undefined || this.#rule.from.includes(from));
  }

  /**
   * The first `count` messages that match are counted, whether or not the probability then spares them.
   * @returns whether this one was hit
   */
  befall(told: Told, befallen: Befallen): boolean {
    if (this.#left <= 0 || !matches(this.#rule, told)) return false;
    this.#left--;
    const random = this.#random;
    if (this.#rule.probability < 1 && !random.chance(this.#rule.probability)) return false;
    const { action } = this.#rule;
    switch (action.action) {
      case "drop":
        befallen.dropped = true;
        break;
      case "delay": {
        const jitterMs = action.jitterMs ?? 0;
        const spreadMs = jitterMs > 0 ? (2 * random.float() - 1) * jitterMs : 0;
        befallen.delayMs += Math.max(0, action.delayMs + spreadMs);
        break;
      }
      case "duplicate":
        befallen.copies += action.copies;
        break;
      case "corrupt":
        befallen.corrupt = true;
        break;
    }
    return true;
  }
}

function matches(rule: MessageRule, { from, to, message }: Told): boolean {
  if (rule.types !== undefined && !rule.types.includes(message.type)) return false;
  if (rule.from !== undefined && !rule.from.includes(from)) return false;
  if (rule.to !== undefined && !rule.to.includes(to)) return false;
  if (rule.fields === undefined) return true;
  const fields = messageFields(message);
  return Object.entries(rule.fields).every(([name, wanted]) => {
    const value = fields[name];
    if (typeof wanted !== "object") return value === wanted;
    if (typeof value !== "number") return false;
    return value >= (wanted.min ?? Number.NEGATIVE_INFINITY) && value <= (wanted.max ?? Number.POSITIVE_INFINITY);
  });
}
