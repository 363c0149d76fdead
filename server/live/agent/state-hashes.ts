import { stateHash } from "../../agent/recording/fingerprint.ts";
import type { RecordableAgent } from "../../agent/recording/recording-agent.ts";
import type { AgentReport } from "../../contract/swarm.ts";
import { joinBytes } from "../../core/bytes.ts";

type Hashed = Pick<RecordableAgent, "snapshot" | "machine" | "memory">;

/**
 * Of what an agent holds at this moment. Without an order for all the whole differs with the order in which things came (places, sessions): what must come to the same is memory and
 * proposals, which are hashed for themselves then; of a memory beside a consensus that gives an order it is that memory. Takes time in proportion to the state.
 */
export function stateHashes(
  agent: Hashed,
  ordered: boolean,
): Required<Pick<AgentReport, "stateHash" | "stateHashIndex">> & Pick<AgentReport, "convergedHash"> {
  const { index, memory, proposals } = agent.machine;
  const whole = { stateHash: stateHash(agent.snapshot()), stateHashIndex: index };
  if (agent.memory !== undefined) return { ...whole, convergedHash: stateHash(agent.memory.memory.snapshot()) };
  if (ordered) return whole;
  return { ...whole, convergedHash: stateHash(joinBytes([memory.snapshot(), proposals.snapshot()])) };
}
