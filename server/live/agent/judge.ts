import type { Judge, Judgement } from "../../agent/world.ts";
import type { VotingPolicy } from "../../contract/proposals.ts";
import type { ProposalSpec } from "../../core/proposals/types.ts";
import { JudgeCommands, type ProgramPlace } from "./judge-commands.ts";
import type { ProgramRunner } from "./program-runner.ts";
import type { BodyCheck } from "./proposal-schemas.ts";

export interface PolicyJudgeOptions {
  readonly policy: VotingPolicy;
  /** Of a policy that asks a schema. */
  readonly fitsPolicy: BodyCheck | undefined;
  /** Of a policy that asks a program. */
  readonly programs: ProgramRunner;
  readonly place: ProgramPlace;
  readonly judged: (judgement: Judgement) => void;
}

type Verdict = Omit<Judgement, "proposalId">;

/** Makes up an agent's mind by the policy that the swarm's mesh file gave it. */
export class PolicyJudge implements Judge {
  readonly #options: PolicyJudgeOptions;
  readonly #commands: JudgeCommands | undefined;
  /** What is considered; its answer is wanted only while it is the same object. */
  readonly #considered = new Map<string, ProposalSpec>();

  constructor(options: PolicyJudgeOptions) {
    this.#options = options;
    const { policy, programs, place } = options;
    if (policy.kind === "command") this.#commands = new JudgeCommands(policy, programs, place);
  }

  consider(proposal: ProposalSpec): void {
    if (this.#considered.has(proposal.id)) return;
    this.#considered.set(proposal.id, proposal);
    if (this.#commands !== undefined) this.#commands.ask(proposal, (verdict) => this.#answer(proposal, verdict));
    // Not from within the agent's own turn.
    else setImmediate(() => this.#answer(proposal, this.#verdict(proposal)));
  }

  dismiss(proposalId: string): void {
    const proposal = this.#considered.get(proposalId);
    if (proposal === undefined) return;
    this.#considered.delete(proposalId);
    this.#commands?.dismiss(proposal);
  }

  #verdict({ body }: ProposalSpec): Verdict {
    const { policy, fitsPolicy } = this.#options;
    if (policy.kind === "reject") return { choice: "reject", reason: policy.reason };
    const problem = fitsPolicy?.(body);
    return problem === undefined
      ? { choice: "approve", reason: "" }
      : { choice: "reject", reason: `The body does not fit this agent's schema: ${problem}.` };
  }

  #answer(proposal: ProposalSpec, verdict: Verdict): void {
    if (this.#considered.get(proposal.id) !== proposal) return;
    this.#considered.delete(proposal.id);
    this.#options.judged({ proposalId: proposal.id, ...verdict });
  }
}
