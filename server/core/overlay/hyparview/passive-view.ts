import type { AgentId } from "../../consensus.ts";
import type { Random } from "../../random.ts";

/** Agents that are known and have no link: at most so many, each once, whoever is known longest first. */
export class PassiveView {
  readonly #most: number;
  readonly #random: Random;
  readonly #ids: AgentId[] = [];

  constructor(most: number, random: Random) {
    this.#most = most;
    this.#random = random;
  }

  get ids(): readonly AgentId[] {
    return this.#ids;
  }

  has(id: AgentId): boolean {
    return this.#ids.includes(id);
  }

  /** @param rather who goes first where there is no room ("Passive View Management"); else one that is drawn. @returns whether it is new here */
  add(id: AgentId, rather: AgentId[] = []): boolean {
    if (this.has(id)) return false;
    while (this.#ids.length >= this.#most && rather.length > 0) this.delete(rather.pop() as AgentId);
    if (this.#ids.length >= this.#most) this.#ids.splice(this.#random.int(0, this.#ids.length - 1), 1);
    this.#ids.push(id);
    return true;
  }

  delete(id: AgentId): void {
    const at = this.#ids.indexOf(id);
    if (at >= 0) this.#ids.splice(at, 1);
  }
}
