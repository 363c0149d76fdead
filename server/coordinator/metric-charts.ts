/** What each chart shows, in words. */
import type { ConsensusKind } from "../contract/consensus.ts";
import type { MetricsChart, Series } from "../contract/metrics.ts";

type Words = readonly [title: string, meaning: string];

const CHARTS: Readonly<Record<MetricsChart["id"], Words>> = {
  connectivity: [
    "Connectivity",
    "Share of ordered pairs of agents of which the first one holds the second one alive and, where the topology gives them a link, has it up; an agent that does not report counts as hearing nobody.",
  ],
  latency: [
    "Message latency",
    "From a frame's sending to its arrival by the agents' clocks: p50 is the median of all links' medians, p99 the largest of their 99th percentiles, over the sample's second.",
  ],
  throughput: [
    "Throughput",
    "Messages that all agents sent, and entries that leaders committed, each divided by the time between the agent's reports.",
  ],
  decisionLatency: [
    "Decision latency",
    "From proposing an entry to its commit, at the leader, of the second's entries (at most 512 a report).",
  ],
  participation: [
    "Vote participation",
    "Share of voters that had acknowledged an entry when it was committed, and votes granted per election started in the sample's second.",
  ],
  elections: [
    "Elections",
    "Elections that any agent started: in the minute before each sample, and since this coordinator began to observe.",
  ],
  load: ["Load per agent", "CPU time an agent's process used divided by the time that passed, in cores."],
  loadDeviation: ["Load, standard deviation", "Population standard deviation of the measured agents' loads."],
  detection: [
    "Failure detection",
    "Of all agents, a second: probes that nobody answered in any way (by heartbeats: suspicions by silence), and suspicions of agents that proved to be alive. Local health is of the agent that does worst: 0 is well, and so many times longer it waits for others before it blames them.",
  ],
  partition: [
    "Partition resilience",
    "Share of the agents that say they can reach enough others to decide (by gossip: half of their peers); one that does not report counts as not. Time to recover, the longest of those that ended in the sample's second: from the first link or answer of the peer that healed an agent's side until the agent had all that was decided before it healed.",
  ],
  memory: ["Memory per agent", "Resident memory of the agent's process."],
  reputation: [
    "Reputation per agent",
    "How far the other agents trust an agent, from 0 to 1: the median of what those that report say of it, each the product of its uptime, the latency of its messages and its honesty, as they saw it.",
  ],
  faultThreshold: [
    "Fault threshold left",
    "How many more agents may lie or fail: how many the swarm survives, less those that an agent holds proof against, suspects, or holds for failed; 0 also where they are more.",
  ],
  agreement: [
    "Agreement",
    "How probable an agent holds it that everybody has all that it has, from 0 to 1: 1 only where it is known, else computed of the rounds that have passed.",
  ],
  behind: [
    "Not known everywhere",
    "Operations that an agent took from clients, or for its own proposals and votes, and that not everybody is known to have.",
  ],
  broadcasts: [
    "Broadcasts",
    "What agents say to everybody, along a tree over their links. Redundancy: payloads that came to agents that had them already, over those that were new to them, in the sample's second (relative message redundancy: 0 for a tree, 1 where each agent gets two). Hops: the most links that an agent's last one had crossed.",
  ],
  convergence: [
    "Convergence time",
    "From an operation's issue to the same agent's next knowing that everybody has all that it has, by that agent's clock, of those that ended in the sample's second: grows while there is always more under way.",
  ],
};

/** Where a kind measures something else. */
const OF_PBFT: Partial<Readonly<Record<MetricsChart["id"], Words>>> = {
  throughput: [
    "Throughput",
    "Messages that all agents sent, and entries that primaries decided, each divided by the time between the agent's reports.",
  ],
  decisionLatency: [
    "Decision latency",
    "From proposing an entry to its decision, at the primary, of the second's entries (at most 512 a report).",
  ],
  participation: ["Vote participation", "Share of the agents whose commits had come when a batch was decided."],
  elections: [
    "View changes",
    "Views that began after the first: in the minute before each sample, and since this coordinator began to observe.",
  ],
};

const OF_GOSSIP: typeof OF_PBFT = {
  throughput: [
    "Throughput",
    "Messages that all agents sent, and entries that came to an agent, its own and others', on average: each divided by the time between the agent's reports.",
  ],
  decisionLatency: [
    "Write latency",
    "From an entry's proposal to its being on the disk of the agent that was asked, of the second's entries (at most 512 a report); the others hear of it after that.",
  ],
};

const OTHERWISE: Partial<Readonly<Record<ConsensusKind, typeof OF_PBFT>>> = { pbft: OF_PBFT, gossip: OF_GOSSIP };

export function chart(consensus: ConsensusKind, id: MetricsChart["id"], series: readonly Series[]): MetricsChart {
  const [title, meaning] = OTHERWISE[consensus]?.[id] ?? CHARTS[id];
  return { id, title, meaning, series };
}
