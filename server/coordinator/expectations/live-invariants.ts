/** The invariants of a running swarm, as far as its agents' events tell them. */
import type { ExpectationResult, InvariantName } from "../../contract/expect.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";
import type { Broken } from "../../sim/checkers/broken.ts";
import { DecidedOnce } from "../../sim/checkers/decided-once.ts";
import { ElectionSafety } from "../../sim/checkers/election-safety.ts";
import { ExactlyOnce } from "../../sim/checkers/exactly-once.ts";
import { LeaseTokens } from "../../sim/checkers/lease-tokens.ts";
import { SingleVote } from "../../sim/checkers/single-vote.ts";
import { invariantOf } from "../../sim/expectations/invariants.ts";
import { parseId } from "../timeline/event-order.ts";

/** What only whoever sees every log could tell. */
const NOT_TOLD: Partial<Record<InvariantName, string>> = {
  logMatching: "agents do not tell what is in their logs",
  leaderCompleteness: "agents do not tell what is in their logs",
  convergence: "events do not tell what agents hold",
};

/** What is known beside the events. */
export type Judged = Pick<ExpectationResult, "held" | "measured" | "detail" | "brokenAtMs">;

export class LiveInvariants {
  readonly #broken = new Map<InvariantName, { readonly detail: string; readonly atMs: number }>();
  readonly #counts = { elections: 0, votes: 0, leases: 0, finishes: 0, decisions: 0 };
  readonly #elections: ElectionSafety;
  readonly #votes = new Map<string, SingleVote>();
  readonly #tell: Broken;
  readonly #leases: LeaseTokens;
  readonly #tasks: ExactlyOnce;
  readonly #proposals: DecidedOnce;
  #nowMs = 0;

  /** @param ordered all are given the same in the same order */
  constructor(ordered = true) {
    const broken: Broken = (finding: string, detail: string): void => {
      const name = invariantOf(finding);
      if (name !== undefined && !this.#broken.has(name)) this.#broken.set(name, { detail, atMs: this.#nowMs });
    };
    this.#tell = broken;
    this.#elections = new ElectionSafety(broken);
    this.#leases = new LeaseTokens(broken);
    this.#tasks = new ExactlyOnce(broken);
    this.#proposals = new DecidedOnce(broken, ordered);
  }

  get brokenOnes(): ReadonlyMap<InvariantName, { readonly detail: string; readonly atMs: number }> {
    return this.#broken;
  }

  /** Each event once; those of one agent in their order. @param nowMs as results count */
  event({ id, agent, kind, state, fields }: TimelineEvent, nowMs: number): void {
    const life = parseId(id)?.life;
    if (life === undefined) return;
    this.#nowMs = nowMs;
    switch (kind) {
      case "started":
        this.#votesOf(agent).restarted(0);
        break;
      case "becameLeader":
        if (state === undefined) break;
        this.#counts.elections++;
        this.#elections.becameLeader(life, state.term);
        break;
      case "votedFor":
        if (fields.pre !== false) break;
        this.#counts.votes++;
        this.#votesOf(agent).voted(0, Number(fields.term), String(fields.candidate));
        break;
      case "taskLeased":
        this.#counts.leases++;
        this.#leases.leased(String(fields.id), String(fields.agent), Number(fields.token));
        break;
      case "taskStarted":
        this.#leases.executing(String(fields.task), agent, life, Number(fields.token));
        break;
      case "taskFinished":
        this.#counts.finishes++;
        this.#tasks.finished(life, String(fields.id), {
          state: fields.state as "completed" | "failed" | "cancelled",
          token: Number(fields.token),
        });
        break;
      case "proposalDecided":
        this.#counts.decisions++;
        this.#proposals.told(life, fields);
        break;
    }
  }

  /** @param judged what was found out otherwise; absent: why it was not */
  result(name: InvariantName, judged: Judged | string | undefined): ExpectationResult {
    const result = { name, kind: "invariant", bound: "" } as const;
    const broken = this.#broken.get(name);
    if (broken !== undefined)
      return { ...result, held: false, measured: this.#judgedOn(name), detail: broken.detail, brokenAtMs: broken.atMs };
    if (typeof judged === "object") return { ...result, ...judged };
    const unknown = judged ?? NOT_TOLD[name];
    if (unknown !== undefined)
      return { ...result, held: null, measured: "", detail: `Not checked live: ${unknown}.`, brokenAtMs: null };
    return {
      ...result,
      held: true,
      measured: this.#judgedOn(name),
      detail: "As far as events tell.",
      brokenAtMs: null,
    };
  }

  #votesOf(agent: string): SingleVote {
    const known = this.#votes.get(agent) ?? new SingleVote([agent], this.#tell);
    this.#votes.set(agent, known);
    return known;
  }

  #judgedOn(name: InvariantName): string {
    const { elections, votes, leases, finishes, decisions } = this.#counts;
    if (name === "electionSafety") return `elections: ${elections}, votes: ${votes}`;
    if (name === "leaseHeldOnce") return `leases, as each agent told them: ${leases}`;
    if (name === "proposalsDecidedOnce") return `decisions, as each agent told them: ${decisions}`;
    return name === "tasksExactlyOnce" ? `ends, as each agent told them: ${finishes}` : "";
  }
}
