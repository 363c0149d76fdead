import type { Configuration, MemberChange } from "../../../server/core/consensus.ts";
import type { Random } from "../../../server/core/random.ts";
import { Cluster, type ClusterOptions } from "./cluster.ts";

export interface ChaosOptions extends ClusterOptions {
  /** Share of the clients' requests that are reads. */
  readonly readShare?: number;
  /** Members come and go, and the leadership is handed over. */
  readonly reconfigure?: boolean;
}

export interface Chaos {
  readonly cluster: Cluster;
  readonly proposed: number;
  /** That a leader took up. */
  readonly changes: number;
  readonly transfers: number;
}

/**
 * A cluster with clients, under faults drawn from its seed for a while: loss, duplication, reordering, partitions (also one-way), crashes; and changes of
 * its members where asked for.
 * @throws BrokenPromise, InvariantViolation
 */
export function runChaos(options: ChaosOptions, durationMs: number): Chaos {
  const cluster = new Cluster({ loss: 0.02, duplication: 0.02, ...options });
  const random = cluster.random.fork("faults");
  const clients = cluster.random.fork("clients");
  let proposed = 0;
  let calm = false;
  let changes = 0;
  let transfers = 0;

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
  const members = cluster.random.fork("members");
  const reconfigure = (): void => {
    if (calm) return;
    const leader = cluster.leader();
    if (leader?.subject !== undefined) {
      if (members.chance(0.25)) {
        const to = members.chance(0.5) ? undefined : members.pick(cluster.agents).id;
        if (leader.subject.transferLeadership(to, cluster.now).ok) transfers++;
      } else if (cluster.changeMembers(leader, drawChange(members, cluster, leader.subject.configuration()))) changes++;
    }
    cluster.after(members.float() * 150, reconfigure);
  };
  if (options.reconfigure === true) cluster.after(200, reconfigure);
  cluster.after(0, client);
  cluster.after(random.float() * 400, fault);
  cluster.run(durationMs);
  calm = true;
  cluster.heal();
  return { cluster, proposed, changes, transfers };
}

function drawChange(random: Random, { agents }: Cluster, { voters, learners }: Configuration): MemberChange {
  const { id } = random.pick(agents);
  switch (random.int(0, 3)) {
    case 0:
      return { add: id };
    case 1:
      return { promote: learners.length > 0 ? random.pick(learners) : id };
    case 2:
      return { remove: voters.length > 2 ? random.pick([...voters, ...learners]) : id };
    default: {
      const drawn = random.shuffled([...voters, ...learners]);
      const count = random.int(1, drawn.length);
      return { voters: drawn.slice(0, count), learners: drawn.slice(count, random.int(count, drawn.length)) };
    }
  }
}
