import type { AgentInputs } from "../agent/types.ts";
import type { ConsensusStatus } from "../core/consensus.ts";
import type { MemoryItem } from "../core/memory/types.ts";
import type { ProposalTable } from "../core/proposals/types.ts";

/** An agent, with a view of what it has applied: agents that applied the same entries give the same bytes. */
export interface InspectableAgent extends AgentInputs {
  readonly consensusStatus: ConsensusStatus;
  readonly machine: {
    readonly index: number;
    /** Its time, ms. */
    readonly timeMs: number;
    readonly memory: {
      list(namespace: string, prefix: string, limit: number): MemoryItem[];
      snapshot(): Uint8Array;
    };
    readonly proposals: ProposalTable & { snapshot(): Uint8Array };
    snapshot(): Uint8Array;
  };
  /** Of a memory beside the consensus, which is then not the machine's; absent: there is none. */
  readonly memory?: InspectableAgent["machine"] | undefined;
}

/** The machine that holds an agent's memory. */
export function holderOf(agent: InspectableAgent): InspectableAgent["machine"] {
  return agent.memory ?? agent.machine;
}
