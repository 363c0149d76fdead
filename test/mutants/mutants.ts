import { GOSSIP_MUTANTS } from "./gossip-mutants.ts";
import { MEMBER_MUTANTS } from "./member-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { PBFT_MUTANTS } from "./pbft-mutants.ts";
import { CONSENSUS_MUTANTS } from "./raft-mutants.ts";
import { STATE_MUTANTS } from "./state-mutants.ts";

export const MUTANTS: readonly Mutant[] = [
  ...CONSENSUS_MUTANTS,
  ...MEMBER_MUTANTS,
  ...STATE_MUTANTS,
  ...PBFT_MUTANTS,
  ...GOSSIP_MUTANTS,
];
