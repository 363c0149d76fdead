import type { Timing, TimingProfile } from "../contract/mesh.ts";

/**
 * Timing profiles. What each trades: shorter heartbeats and timeouts find failures sooner and cost more messages and more false alarms on a busy machine.
 * Raft wants heartbeat ≪ election timeout ≪ time between failures (Raft paper, §5.6); the upper end is twice the lower one to spread candidates.
 */
export const TIMING: Readonly<Record<TimingProfile, Timing>> = {
  /** Agents of one machine: a killed leader is replaced within about half a second. */
  local: {
    profile: "local",
    heartbeatMs: 60,
    electionTimeoutMinMs: 300,
    electionTimeoutMaxMs: 600,
    probeIntervalMs: 400,
    probeTimeoutMs: 100,
    suspicionMultiplier: 1,
    memberHeartbeatMs: 120,
    suspectAfterMs: 500,
    failAfterMs: 300,
    failAfterClosedMs: 200,
  },
  /** Machines of one building. */
  lan: {
    profile: "lan",
    heartbeatMs: 100,
    electionTimeoutMinMs: 1000,
    electionTimeoutMaxMs: 2000,
    probeIntervalMs: 1000,
    probeTimeoutMs: 500,
    suspicionMultiplier: 4,
    memberHeartbeatMs: 500,
    suspectAfterMs: 2000,
    failAfterMs: 2000,
    failAfterClosedMs: 600,
  },
  /** Round trips of some hundred ms. */
  wan: {
    profile: "wan",
    heartbeatMs: 500,
    electionTimeoutMinMs: 3000,
    electionTimeoutMaxMs: 6000,
    probeIntervalMs: 2000,
    probeTimeoutMs: 1000,
    suspicionMultiplier: 4,
    memberHeartbeatMs: 1000,
    suspectAfterMs: 5000,
    failAfterMs: 5000,
    failAfterClosedMs: 2000,
  },
  /** The figures of the project's seed: heartbeat every 3 s, timeout 10 s. */
  seed: {
    profile: "seed",
    heartbeatMs: 3000,
    electionTimeoutMinMs: 10_000,
    electionTimeoutMaxMs: 20_000,
    probeIntervalMs: 3000,
    probeTimeoutMs: 1000,
    suspicionMultiplier: 3,
    memberHeartbeatMs: 3000,
    suspectAfterMs: 10_000,
    failAfterMs: 3000,
    failAfterClosedMs: 3000,
  },
};
