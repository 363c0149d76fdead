import { InvariantViolation } from "../../../server/core/invariant.ts";
import { BrokenPromise, findingIn, promised } from "./checkers.ts";
import { type Agent, Cluster } from "./cluster.ts";

/** Rounds of anti-entropy, for each member, in which everything must have come everywhere once nothing is lost any more: each asks each in n - 1 of them, and then news takes some. */
const ROUNDS_A_MEMBER = 6;

const SCARCE_EVERY = 8;
/** In one run of so many there are more members than one digest says all of; what they keep for each other is then no smaller than what a few keep. */
const WIDE_EVERY = 12;

export interface Finding {
  readonly promise: string;
  readonly detail: string;
}

export interface Tried {
  readonly finding: Finding | null;
  readonly cluster: Cluster;
}

/** One run with faults that are drawn from its seed (swarm testing), and then a quiet time in which all must come to have the same, and know it. */
export function tried(seed: number): Tried {
  const settings = new Cluster({ members: 1, seed: `settings ${seed}` }).random;
  // In one run of so many, few keep what others lack, and are cut off from each other all the time.
  const scarce = seed % SCARCE_EVERY === 0;
  const wide = seed % WIDE_EVERY === 5;
  const few = settings.pick([2, 3, 3, 4, 5, 7]);
  const members = scarce ? 3 : wide ? 20 + few : few;
  const antiEntropyMs = settings.pick([20, 50, 200]);
  const skews = settings.pick([0, 0, 200, 2000]);
  const spread = settings.fork("skews");
  const checksums = settings.fork("checksums");
  // In every other run few say all that they have, and to nobody rather than to others.
  const listedMembers = seed % 2 === 0 ? 16 : checksums.pick([0, 0, 16]);
  // As in a ring.
  const nearby = seed % 2 === 1 && checksums.chance(0.4);
  const skewOf = new Map<string, number>();
  const cluster = new Cluster({
    members,
    seed: `trial ${seed}`,
    loss: settings.pick([0, 0.05, 0.3]),
    duplication: settings.pick([0, 0.1]),
    delayMs: [0.1, settings.pick([1, 10, 60])],
    syncMs: [0.1, settings.pick([2, 20])],
    snapshots: scarce ? 0.5 : settings.pick([0, 0.1, 0.5]),
    config: {
      fanout: settings.pick([1, 2, 3]),
      antiEntropyMs,
      maxAheadMs: settings.pick([100, 60_000]),
      maxMessageBytes: settings.pick([100, 4096]),
      maxMessageOperations: settings.pick([2, 1024]),
      retainBytes: scarce ? 300 : Math.max(settings.pick([400, 2000, 1_000_000]), wide ? 20_000 : 0),
      maxWaitingBytes: settings.pick([300, 1_000_000]),
      maxChunkBytes: settings.pick([64, 1024]),
      listedMembers,
    },
    ...(nearby && { near: (id: string) => besides(members, id) }),
    skewMs: (id) => {
      const known = skewOf.get(id) ?? Math.floor(spread.float() * skews);
      skewOf.set(id, known);
      return known;
    },
  });
  const crashes = settings.pick([0, 0.05, 0.15]);
  const partitions = settings.pick([0, 0.05, 0.15]);
  try {
    if (scarce) takeTurns(cluster);
    else misbehave(cluster, crashes, partitions);
    const boundMs = (nearby ? 4 : 1) * ROUNDS_A_MEMBER * members * antiEntropyMs * 1.5 + 4 * skews + 4000;
    cluster.heal();
    const came = cluster.run(boundMs, () => cluster.converged);
    promised(came, "convergence", () => `not in ${boundMs} ms: ${standing(cluster)}`);
    for (const { subject, id } of cluster.agents) {
      const gossip = subject?.status().gossip;
      promised(
        gossip?.sameVector === members && gossip.behind === 0 && gossip.waiting === 0,
        "convergence is known truly",
        () => `${id} says ${JSON.stringify(gossip)}`,
      );
    }
    // What is still on its way arrives; then nothing but digests is.
    cluster.run(1000);
    const before = cluster.sent.operations;
    cluster.run(10 * antiEntropyMs);
    promised(
      cluster.sent.operations === before,
      "what differs travels",
      () => `${cluster.sent.operations - before} operations between equals`,
    );
    return { finding: null, cluster };
  } catch (error) {
    const finding = findingIn(error);
    if (finding === undefined) throw error;
    return { finding, cluster };
  }
}

/** The two beside it. */
function besides(members: number, id: string): string[] {
  const place = Number(id.slice(1)) - 1;
  return [1, members - 1].map((step) => `n${((place + step) % members) + 1}`);
}

function misbehave(cluster: Cluster, crashes: number, partitions: number): void {
  const { random } = cluster;
  for (let step = 0; step < 60; step++) {
    cluster.propose(random.pick(cluster.agents), random.int(1, 3));
    if (random.chance(crashes)) crash(cluster, random.pick(cluster.agents));
    if (random.chance(partitions)) {
      cluster.partition(cluster.ids.filter(() => random.chance(0.4)));
      cluster.after(random.float() * 1500, () => cluster.blocked.clear());
    }
    cluster.run(random.float() * 60);
  }
}

/** One after the other is cut off from the rest, while all go on proposing. */
function takeTurns(cluster: Cluster): void {
  const { random } = cluster;
  for (let turn = 0; turn < 8; turn++) {
    cluster.blocked.clear();
    cluster.partition([random.pick(cluster.ids)]);
    for (const agent of cluster.agents) cluster.propose(agent, random.int(0, 6));
    cluster.run(300 + random.float() * 600);
  }
}

function crash(cluster: Cluster, agent: Agent): void {
  cluster.crash(agent);
  cluster.after(cluster.random.float() * 1500, () => {
    if (agent.subject !== undefined) return;
    try {
      cluster.start(agent);
    } catch (error) {
      // What it finds on its disk is no reason not to start.
      if (error instanceof InvariantViolation) throw new BrokenPromise("own log", error.message);
      throw error;
    }
  });
}

function standing(cluster: Cluster): string {
  return cluster.agents
    .map(({ id, subject, state }) => `${id} has ${state.size}, ${JSON.stringify(subject?.status().gossip)}`)
    .join("; ");
}
