import { type Expectations, INVARIANTS_OF, invariantsOf } from "../contract/expect.ts";
import type { Mesh } from "../contract/mesh.ts";
import { PERIODS_A_SYNC } from "../core/membership/swim/config.ts";
import { suspicionTimes } from "../core/membership/swim/suspicion.ts";

/** What is expected of a mesh whose file says nothing of it, and that decides by Raft. */
export const EXPECTED_BY_DEFAULT: Expectations = {
  invariants: INVARIANTS_OF.raft,
  liveness: { withinMs: null },
  recovery: { withinMs: null },
  leaderWithinMs: null,
  tasksDoneByMs: null,
  availability: null,
  maxElections: null,
  stated: [],
};

/** The same with the invariants of that kind of consensus, and of that memory. */
export function expectedByDefault(of: Pick<Mesh, "consensus" | "memory">): Expectations {
  return of.consensus === "raft" && of.memory === "consensus"
    ? EXPECTED_BY_DEFAULT
    : { ...EXPECTED_BY_DEFAULT, invariants: invariantsOf(of) };
}

/** Elections may split several times in a row before one is won; what an agent leased before it died runs again after its lease. */
const LIVENESS_ELECTION_TIMEOUTS = 40;
const LIVENESS_LEASES = 4;
/** A view change waits for two election timeouts, and up to sixteen times as long where the one before decided nothing. */
const PBFT_FACTOR = 5;

/** How long liveness and recovery may take where the file gives no bound, ms. */
export function livenessBoundMs({
  consensus,
  timing,
  taskLeaseMs,
}: Pick<Mesh, "consensus" | "timing" | "taskLeaseMs">): number {
  const factor = consensus === "pbft" ? PBFT_FACTOR : 1;
  // Nobody is elected and nothing is leased; clients are as patient.
  if (consensus === "gossip") return timing.electionTimeoutMaxMs * LIVENESS_ELECTION_TIMEOUTS;
  return timing.electionTimeoutMaxMs * LIVENESS_ELECTION_TIMEOUTS * factor + taskLeaseMs * LIVENESS_LEASES;
}

/** Each asks every other within as many rounds as there are others; what is lacked then, or was held back, takes as many again, and links some to come back. */
const CONVERGENCE_ROUNDS_AN_AGENT = 2;
const CONVERGENCE_ROUNDS = 20;

/** How long a swarm by gossip may take, once all faults have ended and nobody asks for anything, until all hold the same, ms: so many rounds of anti-entropy (Demers et al. 1987, section 1.3). */
export function convergenceBoundMs(mesh: Pick<Mesh, "agents" | "detector" | "timing" | "topology">): number {
  const { agents, timing, topology } = mesh;
  const rounds = CONVERGENCE_ROUNDS + CONVERGENCE_ROUNDS_AN_AGENT * agents.length;
  // Agents that look for their links themselves may have to find each other first.
  const mendedMs = topology.kind === "hyparview" ? overlayBoundMs(mesh) : 0;
  return timing.memberHeartbeatMs * rounds + mendedMs;
}

/** How long after the last fault it may take until all agree on who is alive, ms: everybody is probed once by everybody, suspected for as long as can be, and compared with. */
export function detectionBoundMs({ agents, detector, timing }: Pick<Mesh, "agents" | "detector" | "timing">): number {
  const { probeIntervalMs, suspicionMultiplier, suspectAfterMs, failAfterMs } = timing;
  if (detector === "heartbeat") return 4 * suspectAfterMs + failAfterMs;
  const { maxMs } = suspicionTimes(agents.length, { suspicionMultiplier, probeIntervalMs, lifeguard: true });
  return probeIntervalMs * (2 * agents.length + PERIODS_A_SYNC) + maxMs;
}

/** Everybody looks for each of those whom no link leads to, one a probe interval, then one in two (agent/linking.ts); shuffles mend what a lost message left behind. */
const OVERLAY_INTERVALS_AN_AGENT = 4;
const OVERLAY_INTERVALS = 20;

/** How long after the last fault it may take until agents that look for their links themselves have an overlay that is whole, ms. */
export function overlayBoundMs(mesh: Pick<Mesh, "agents" | "detector" | "timing">): number {
  const intervals = OVERLAY_INTERVALS + OVERLAY_INTERVALS_AN_AGENT * mesh.agents.length;
  return detectionBoundMs(mesh) + intervals * mesh.timing.probeIntervalMs;
}
