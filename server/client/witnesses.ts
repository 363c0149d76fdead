import type { AgentAddress, AgentConnection } from "./connection.ts";
import type { Router } from "./router.ts";

/** An agent that gave no answer is asked after the others for so long. */
const SET_BACK_MS = 2000;

/** The agents that are asked what a write came to besides the one that was asked for it. Few of them serve a client, so that it needs few connections. */
export class Witnesses {
  readonly #router: Router;
  readonly #backUntil = new Map<string, number>();
  /** Many clients do not all ask the same ones. */
  readonly #first = Math.random();

  constructor(router: Router) {
    this.#router = router;
  }

  get all(): readonly AgentAddress[] {
    return this.#router.agents;
  }

  /** Whom to ask next: those that there is a connection to before the others, those that gave no answer lately after them, and known liars last. */
  next(isOut: (agent: string) => boolean): AgentAddress | undefined {
    const { agents } = this.#router;
    const from = Math.floor(this.#first * agents.length);
    let best: AgentAddress | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    for (let at = 0; at < agents.length && bestRank > 0; at++) {
      const agent = agents[(from + at) % agents.length] as AgentAddress;
      if (isOut(agent.id)) continue;
      const rank = this.#rank(agent);
      if (rank >= bestRank) continue;
      best = agent;
      bestRank = rank;
    }
    return best;
  }

  connected(agent: AgentAddress): AgentConnection | undefined {
    const connection = this.#router.connected(agent.id);
    if (connection !== undefined) this.#router.keep(connection);
    return connection;
  }

  /** @throws ConnectionFailed (as rejection) */
  async connection(agent: AgentAddress): Promise<AgentConnection> {
    const connection = await this.#router.connectionTo(agent);
    this.#router.keep(connection);
    return connection;
  }

  /** It gave no answer. */
  setBack(agent: string): void {
    this.#backUntil.set(agent, performance.now() + SET_BACK_MS);
  }

  /** What it said is not what f + 1 others said. */
  doubt(agent: string): void {
    this.#router.doubt(agent);
  }

  #rank({ id }: AgentAddress): number {
    const back = (this.#backUntil.get(id) ?? 0) > performance.now() ? 2 : 0;
    const doubted = this.#router.isDoubted(id) ? 4 : 0;
    return back + doubted + (this.#router.connected(id) === undefined ? 1 : 0);
  }
}
