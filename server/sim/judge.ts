import type { Judge, Judgement } from "../agent/world.ts";
import type { VotingPolicy } from "../contract/proposals.ts";
import type { ProposalSpec } from "../core/proposals/types.ts";
import type { Random } from "../core/random.ts";
import type { Schedule } from "./schedule.ts";

/** One policy in so many that has to look at the proposal rejects it. */
const REJECTS_ONE_IN = 4;

/**
 * Votes without processes: an agent that approves or rejects by itself does so at once; a schema or a program takes a seeded 1 to 80 ms, and approves or rejects as it is
 * drawn.
 */
export class SimJudge implements Judge {
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #policy: VotingPolicy;
  readonly #judged: (judgement: Judgement) => void;
  /** What is considered, and how often it was asked for before. */
  readonly #considered = new Map<string, number>();
  #asked = 0;

  constructor(schedule: Schedule, random: Random, policy: VotingPolicy, judged: (judgement: Judgement) => void) {
    this.#schedule = schedule;
    this.#random = random;
    this.#policy = policy;
    this.#judged = judged;
  }

  consider({ id }: ProposalSpec): void {
    const asked = ++this.#asked;
    this.#considered.set(id, asked);
    const { delayMs, choice, reason } = this.#mind();
    this.#schedule.afterMs(delayMs, () => {
      if (this.#considered.get(id) !== asked) return;
      this.#considered.delete(id);
      this.#judged({ proposalId: id, choice, reason });
    });
  }

  dismiss(proposalId: string): void {
    this.#considered.delete(proposalId);
  }

  /** The agent's process is killed, and with it all that it considers. */
  crash(): void {
    this.#considered.clear();
  }

  #mind(): { readonly delayMs: number } & Pick<Judgement, "choice" | "reason"> {
    const policy = this.#policy;
    if (policy.kind === "approve") return { delayMs: 0.01, choice: "approve", reason: "" };
    if (policy.kind === "reject") return { delayMs: 0.01, choice: "reject", reason: policy.reason };
    const delayMs = 1 + this.#random.float() * 79;
    const rejects = this.#random.int(1, REJECTS_ONE_IN) === 1;
    return {
      delayMs,
      choice: rejects ? "reject" : "approve",
      reason: rejects ? `drawn: its ${policy.kind} says no` : "",
    };
  }
}
