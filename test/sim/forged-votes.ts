import { CommandEncoder, encodeOwnProposalCommand } from "../../server/agent/command.ts";
import { Duties } from "../../server/agent/duties.ts";
import type { Machine } from "../../server/agent/machine.ts";
import type { Crypto } from "../../server/core/crypto.ts";
import type { ProposalCommand, ProposalSpec, SignedVote } from "../../server/core/proposals/types.ts";
import { signVote } from "../../server/core/proposals/votes.ts";
import type { InspectableAgent } from "../../server/sim/inspectable-agent.ts";
import type { HappenedFault } from "../../server/sim/simulate.ts";
import type { AgentFactory } from "../../server/sim/world.ts";

interface Known {
  readonly id: string;
  readonly crypto: Crypto;
  readonly agent: InspectableAgent;
  /** Proposals that it has brought forged votes for in this life. */
  readonly done: Set<string>;
}

/**
 * What liars bring to their consensus besides their own vote, on every open proposal once in a life: votes in others' names, which only they could sign, as an agent's own and as a client's; a
 * vote of their own where they are not asked; and where they are, two that contradict each other.
 */
export class ForgedVotes {
  readonly liars = new Set<string>();
  readonly #encoder = new CommandEncoder();
  #known: Known[] = [];
  #brought = 0;

  /** Votes that liars had ordered. */
  get brought(): number {
    return this.#brought;
  }

  /** Whoever lies otherwise forges votes from then on. */
  readonly onFault = ({ effects }: HappenedFault): void => {
    for (const effect of effects) if (effect.on === "byzantine") this.liars.add(effect.agent);
  };

  /** Agents as they are made, and known by what they hold. */
  among(create: AgentFactory): AgentFactory {
    return (config, world, recovered, now) => {
      const agent = create(config, world, recovered, now);
      this.#known = this.#known.filter(({ id }) => id !== config.id);
      this.#known.push({ id: config.id, crypto: world.crypto, agent, done: new Set() });
      return agent;
    };
  }

  /** Runs it with liars that forge. */
  during<Result>(run: () => Result): Result {
    const machines = new WeakMap<Duties, Machine>();
    const { compare, takeCommands } = Duties.prototype;
    const bring = (duties: Duties): Uint8Array[] => this.#bring(machines.get(duties));
    Duties.prototype.compare = function (machine, now, cause) {
      machines.set(this, machine);
      compare.call(this, machine, now, cause);
    };
    Duties.prototype.takeCommands = function (commands, now) {
      commands.push(...bring(this));
      takeCommands.call(this, commands, now);
    };
    try {
      return run();
    } finally {
      Duties.prototype.compare = compare;
      Duties.prototype.takeCommands = takeCommands;
    }
  }

  #bring(machine: Machine | undefined): Uint8Array[] {
    const liar = this.#known.find(({ agent }) => agent.machine === machine);
    if (machine === undefined || liar === undefined || !this.liars.has(liar.id)) return [];
    const commands: Uint8Array[] = [];
    for (const { spec } of machine.proposals.open()) {
      const { id } = spec;
      if (liar.done.has(id)) continue;
      liar.done.add(id);
      for (const vote of forged(liar, spec)) commands.push(encodeOwnProposalCommand({ type: "vote", id, vote }));
      const [first] = inOthersNames(liar, spec);
      if (first !== undefined) commands.push(this.#asClient(`${liar.id} for ${id}`, { type: "vote", id, vote: first }));
    }
    this.#brought += commands.length;
    return commands;
  }

  #asClient(session: string, proposal: ProposalCommand): Uint8Array {
    const command = { on: "proposal", proposal } as const;
    return this.#encoder.encode({ session, sequence: 1, firstUnanswered: 1, command });
  }
}

function forged(liar: Known, spec: ProposalSpec): SignedVote[] {
  const { id, crypto } = liar;
  const own = [signVote(crypto, spec, id, "approve", "")];
  if (spec.voters.includes(id)) own.push(signVote(crypto, spec, id, "reject", "on second thoughts"));
  return [...inOthersNames(liar, spec), ...own];
}

function inOthersNames({ id, crypto }: Known, spec: ProposalSpec): SignedVote[] {
  const others = spec.voters.filter((voter) => voter !== id);
  return others.map((voter, at) => signVote(crypto, spec, voter, at % 2 === 0 ? "approve" : "reject", "forged"));
}
