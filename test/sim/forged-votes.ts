import { Voting } from "../../server/agent/voting.ts";
import type { Crypto } from "../../server/core/crypto.ts";
import type { Proposals } from "../../server/core/proposals/proposals.ts";
import type { Proposal, ProposalCommand, SignedVote } from "../../server/core/proposals/types.ts";
import { signVote } from "../../server/core/proposals/votes.ts";
import type { HappenedFault } from "../../server/sim/simulate.ts";
import type { AgentFactory, InspectableAgent } from "../../server/sim/world.ts";

interface Known {
  readonly id: string;
  readonly crypto: Crypto;
  readonly agent: InspectableAgent;
  /** Proposals that it has brought forged votes for in this life. */
  readonly done: Set<string>;
}

/**
 * What liars bring to their consensus besides their own vote, on every open proposal once in a life: votes in others' names, which only they could sign; a vote of their own where they are not
 * asked; and where they are, two that contradict each other.
 */
export class ForgedVotes {
  readonly liars = new Set<string>();
  #known: Known[] = [];
  #brought = 0;

  /** Votes that liars had ordered, and that are not to count. */
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
    const tables = new WeakMap<Voting, Proposals>();
    const { tableChanged, takeCommands } = Voting.prototype;
    const bring = (voting: Voting): ProposalCommand[] => this.#bring(tables.get(voting));
    Voting.prototype.tableChanged = function (table, cause) {
      tables.set(this, table);
      tableChanged.call(this, table, cause);
    };
    Voting.prototype.takeCommands = function (now) {
      return [...bring(this), ...takeCommands.call(this, now)];
    };
    try {
      return run();
    } finally {
      Voting.prototype.tableChanged = tableChanged;
      Voting.prototype.takeCommands = takeCommands;
    }
  }

  #bring(table: Proposals | undefined): ProposalCommand[] {
    const liar = this.#known.find(({ agent }) => agent.machine.proposals === table);
    if (table === undefined || liar === undefined || !this.liars.has(liar.id)) return [];
    const commands: ProposalCommand[] = [];
    for (const proposal of table.open()) {
      const { id } = proposal.spec;
      if (liar.done.has(id)) continue;
      liar.done.add(id);
      for (const vote of forged(liar, proposal)) commands.push({ type: "vote", id, vote });
    }
    this.#brought += commands.length;
    return commands;
  }
}

function forged({ id, crypto }: Known, { spec }: Proposal): SignedVote[] {
  const others = spec.voters.filter((voter) => voter !== id);
  const inOthersNames = others.map((voter, at) =>
    signVote(crypto, spec, voter, at % 2 === 0 ? "approve" : "reject", "forged"),
  );
  const own = [signVote(crypto, spec, id, "approve", "")];
  if (spec.voters.includes(id)) own.push(signVote(crypto, spec, id, "reject", "on second thoughts"));
  return [...inOthersNames, ...own];
}
