import { stripVTControlCharacters } from "node:util";
import type { Judgement } from "../../agent/world.ts";
import type { VotingPolicy } from "../../contract/proposals.ts";
import { boundedReason, THRESHOLD_PARTS } from "../../core/proposals/limits.ts";
import type { ProposalSpec } from "../../core/proposals/types.ts";
import type { TaskOutcome } from "../../core/tasks/types.ts";
import type { ProgramRun, ProgramRunner } from "./program-runner.ts";

/** Programs of one agent at a time, those included that were told to end and have not yet. What comes then waits. */
export const MAX_PROGRAMS = 4;

/** Where an agent's programs run, and who it is. */
export interface ProgramPlace {
  readonly swarm: string;
  readonly agent: string;
  readonly incarnation: number;
  readonly folder: string;
}

type Verdict = Omit<Judgement, "proposalId">;

interface Asked {
  readonly proposal: ProposalSpec;
  readonly answer: (verdict: Verdict) => void;
}

/** Asks a program about proposals: each a run of its own under the agent's warden, which ends it if the agent is killed. */
export class JudgeCommands {
  readonly #policy: Extract<VotingPolicy, { readonly kind: "command" }>;
  readonly #programs: ProgramRunner;
  readonly #place: ProgramPlace;
  #waiting: Asked[] = [];
  readonly #running = new Map<ProposalSpec, ProgramRun>();
  #lastRun = 0;

  constructor(
    policy: Extract<VotingPolicy, { readonly kind: "command" }>,
    programs: ProgramRunner,
    place: ProgramPlace,
  ) {
    this.#policy = policy;
    this.#programs = programs;
    this.#place = place;
  }

  /** @param answer is called on a later turn, at most once: not for what was dismissed while it waited */
  ask(proposal: ProposalSpec, answer: (verdict: Verdict) => void): void {
    this.#waiting.push({ proposal, answer });
    this.#startWaiting();
  }

  dismiss(proposal: ProposalSpec): void {
    this.#waiting = this.#waiting.filter((asked) => asked.proposal !== proposal);
    this.#running.get(proposal)?.stop("The proposal was decided without it.");
  }

  #startWaiting(): void {
    while (this.#running.size < MAX_PROGRAMS) {
      const asked = this.#waiting.shift();
      if (asked === undefined) return;
      this.#running.set(asked.proposal, this.#start(asked));
    }
  }

  #start({ proposal, answer }: Asked): ProgramRun {
    const { swarm, agent, incarnation, folder } = this.#place;
    const { command, args, timeoutMs } = this.#policy;
    return this.#programs.start(
      {
        mark: `${swarm}/${agent}.${incarnation}/policy.${++this.#lastRun}`,
        command,
        args,
        cwd: "",
        folder,
        timeoutMs,
        environment: { AGENT_MESH_SWARM: swarm, AGENT_MESH_AGENT: agent, AGENT_MESH_PROPOSAL: proposal.id },
        input: `${inputOf(proposal)}\n`,
        quiet: true,
      },
      {
        ended: (outcome) => {
          this.#running.delete(proposal);
          this.#startWaiting();
          answer(verdictOf(outcome));
        },
      },
    );
  }
}

/** What a program is told of a proposal: one JSON object. */
function inputOf({ id, subject, body, voters, threshold, timeoutMs }: ProposalSpec): string {
  const share = threshold / THRESHOLD_PARTS;
  return JSON.stringify({ id, subject, body: JSON.parse(body) as unknown, voters, threshold: share, timeoutMs });
}

function verdictOf({ exitCode, signal, error, outputTail }: TaskOutcome): Verdict {
  if (error !== "") return { choice: "reject", reason: boundedReason(`Its program gave no answer: ${error}`) };
  if (exitCode === null) return { choice: "reject", reason: `Its program was ended by ${signal}.` };
  const reason = boundedReason(lastLine(outputTail));
  if (exitCode === 0) return { choice: "approve", reason };
  return { choice: "reject", reason: reason === "" ? `Its program ended with exit code ${exitCode}.` : reason };
}

/** The last line with something in it, without what would move a terminal's cursor or colour it. */
function lastLine(output: string): string {
  const lines = stripVTControlCharacters(output).split(/[\r\n]+/);
  return lines.map((line) => line.replace(/\p{Cc}+/gu, " ").trim()).findLast((line) => line !== "") ?? "";
}
