import { Cluster, type ClusterOptions } from "./cluster.ts";

export interface ChaosOptions extends ClusterOptions {
  /** Share of the clients' requests that are reads. */
  readonly readShare?: number;
}

export interface Chaos {
  readonly cluster: Cluster;
  readonly proposed: number;
}

/**
 * A cluster with clients, under faults drawn from its seed for a while: loss, duplication, reordering, partitions (also one-way), crashes.
 * @throws BrokenPromise, InvariantViolation
 */
export function runChaos(options: ChaosOptions, durationMs: number): Chaos {
  const cluster = new Cluster({ loss: 0.02, duplication: 0.02, ...options });
  const random = cluster.random.fork("faults");
  const clients = cluster.random.fork("clients");
  let proposed = 0;
  let calm = false;

  const client = (): void => {
    const agent = clients.pick(cluster.agents);
    if (clients.chance(options.readShare ?? 0.5)) cluster.read(agent);
    else
      cluster.propose(
        agent,
        Array.from({ length: clients.int(1, 5) }, () => `command ${++proposed}`),
      );
    if (!calm) cluster.after(clients.float() * 12, client);
  };
  const fault = (): void => {
    if (calm) return;
    const agent = random.pick(cluster.agents);
    const leader = cluster.leader() ?? agent;
    switch (random.int(0, 5)) {
      case 0:
      case 1: {
        const victim = random.chance(0.5) ? leader : agent;
        cluster.crash(victim);
        cluster.after(random.float() * 400, () => {
          if (victim.subject === undefined) cluster.start(victim);
        });
        break;
      }
      case 2:
        for (const other of cluster.agents) {
          if (other === leader) continue;
          cluster.block(leader.id, other.id);
          if (random.chance(0.7)) cluster.block(other.id, leader.id);
        }
        break;
      case 3:
        for (const one of cluster.agents)
          for (const other of cluster.agents) if (one !== other && random.chance(0.3)) cluster.block(one.id, other.id);
        break;
      case 4:
        cluster.loss = random.float() * 0.3;
        cluster.duplication = random.float() * 0.3;
        break;
      default:
        cluster.blocked.clear();
    }
    cluster.after(random.float() * 300, fault);
  };
  cluster.after(0, client);
  cluster.after(random.float() * 400, fault);
  cluster.run(durationMs);
  calm = true;
  cluster.heal();
  return { cluster, proposed };
}
