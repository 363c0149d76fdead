/** Asks whoever leads: a request about members is the leader's to answer, and leaders change. */
import { MeshError } from "../client/errors.ts";
import type { ClientOperation, ClientValue } from "../contract/client.ts";
import { leadershipOf } from "./health.ts";
import { Refusal } from "./refusal.ts";
import type { Swarm } from "./swarm.ts";

/** One attempt. */
const ASK_MS = 5_000;
const AGAIN_MS = 100;

export class LeaderRequests {
  readonly #swarm: Swarm;

  constructor(swarm: Swarm) {
    this.#swarm = swarm;
  }

  /**
   * Asks again and again, as what is so already is answered at once.
   * @param persistent also what was refused is asked again: an earlier change may be under way, or a learner may not have caught up
   * @throws Refusal
   */
  async ask(
    operation: ClientOperation,
    withinMs: number,
    signal: AbortSignal,
    persistent: boolean,
  ): Promise<ClientValue> {
    const deadline = performance.now() + withinMs;
    let why = "No leader was found.";
    const aborted = abortion(signal);
    aborted.catch(() => {
      // Whoever waits for an answer is told through the race below; nobody waits at other times.
    });
    do {
      const leader = leadershipOf(this.#swarm.agents)?.leader;
      const observer = leader === undefined ? undefined : this.#swarm.observer(this.#swarm.agent(leader));
      try {
        if (observer !== undefined) return await Promise.race([observer.request(operation, ASK_MS), aborted]);
      } catch (error) {
        if (!(error instanceof MeshError)) throw error;
        if (error.code === "invalid" || (error.code === "refused" && !persistent))
          throw new Refusal("refused", error.message);
        why = error.message;
      }
      await new Promise((wake) => setTimeout(wake, AGAIN_MS));
    } while (performance.now() < deadline && !signal.aborted && !this.#swarm.over);
    if (signal.aborted) throw givenUp(signal);
    throw new Refusal("unavailable", `Not within ${withinMs / 1000} s: ${why}`);
  }
}

export function givenUp(signal: AbortSignal): Refusal {
  return new Refusal("cancelled", `It was given up: ${String(signal.reason)}.`);
}

/** Rejects when the signal comes. */
function abortion(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(givenUp(signal));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
