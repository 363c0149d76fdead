import type { Broken } from "./broken.ts";

/**
 * A lease's token belongs to one task and one agent, in everybody's eyes, and is run at most once in one life of that agent; of a task's leases a later
 * one has a higher token. So whoever presents a token can be judged by it (fencing: Kleppmann 2016; Burrows, Chubby, 2006).
 */
export class LeaseTokens {
  readonly #holders = new Map<number, { readonly task: string; readonly agent: string }>();
  readonly #runs = new Set<string>();
  readonly #broken: Broken;

  constructor(broken: Broken) {
    this.#broken = broken;
  }

  /** Leases seen. */
  get granted(): number {
    return this.#holders.size;
  }

  /** Anyone applied an entry that grants a lease. */
  leased(task: string, agent: string, token: number): void {
    const known = this.#holders.get(token);
    if (!known) this.#holders.set(token, { task, agent });
    else if (known.task !== task || known.agent !== agent)
      this.#broken(
        "lease tokens",
        `token ${token} is held twice: ${known.agent} for ${known.task}, ${agent} for ${task}`,
      );
  }

  /** @param life the agent with its life, as `a1.2`. */
  executing(task: string, agent: string, life: string, token: number): void {
    const known = this.#holders.get(token);
    if (known && (known.task !== task || known.agent !== agent))
      this.#broken(
        "lease tokens",
        `${agent} runs ${task} with token ${token}, which ${known.agent} holds for ${known.task}`,
      );
    const run = `${life} ${token}`;
    if (this.#runs.has(run)) this.#broken("lease tokens", `${life} runs ${task} twice with token ${token}`);
    this.#runs.add(run);
  }
}
