/** The kinds of consensus that so many agents can have, for a quick pick. */
import type { ConsensusKind } from "../../server/contract/consensus.ts";

export interface ConsensusChoice {
  readonly label: ConsensusKind;
  readonly detail: string;
}

/** PBFT only where there are agents enough for it; gossip for any number. */
export function consensusChoices(agents: number): readonly ConsensusChoice[] {
  const crashed = Math.floor((agents - 1) / 2);
  const liars = Math.floor((agents - 1) / 3);
  const raft: ConsensusChoice = {
    label: "raft",
    detail: `One leader orders everything; goes on while a majority lives: ${agents} survive ${plural(crashed, "crash", "crashes")}.`,
  };
  const pbft: ConsensusChoice = {
    label: "pbft",
    detail: `Nobody is trusted, all is signed: ${agents} survive ${plural(liars, "liar", "liars")}.`,
  };
  const gossip: ConsensusChoice = {
    label: "gossip",
    detail: "No leader, no order: every agent takes writes, all come to the same; no tasks.",
  };
  return liars < 1 ? [raft, gossip] : [raft, pbft, gossip];
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
