import type { ConsensusKind } from "../contract/consensus.ts";
import { type Expectations, INVARIANTS, INVARIANTS_OF } from "../contract/expect.ts";
import type { Mesh } from "../contract/mesh.ts";

/** What is expected of a mesh whose file says nothing of it, and that decides by Raft. */
export const EXPECTED_BY_DEFAULT: Expectations = {
  invariants: INVARIANTS,
  liveness: { withinMs: null },
  recovery: { withinMs: null },
  leaderWithinMs: null,
  tasksDoneByMs: null,
  availability: null,
  maxElections: null,
  stated: [],
};

/** The same with the invariants of that kind of consensus. */
export function expectedByDefault(consensus: ConsensusKind): Expectations {
  return consensus === "raft" ? EXPECTED_BY_DEFAULT : { ...EXPECTED_BY_DEFAULT, invariants: INVARIANTS_OF[consensus] };
}

/** Elections may split several times in a row before one is won; what an agent leased before it died runs again after its lease. */
const LIVENESS_ELECTION_TIMEOUTS = 40;
const LIVENESS_LEASES = 4;

/** How long liveness and recovery may take where the file gives no bound, ms. */
export function livenessBoundMs({ timing, taskLeaseMs }: Pick<Mesh, "timing" | "taskLeaseMs">): number {
  return timing.electionTimeoutMaxMs * LIVENESS_ELECTION_TIMEOUTS + taskLeaseMs * LIVENESS_LEASES;
}
