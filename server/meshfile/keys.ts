import { CONSENSUS_KINDS } from "../contract/consensus.ts";
import { INVARIANTS } from "../contract/expect.ts";
import { DETECTOR_KINDS, MEMORY_MODES, READ_MODES, TOPOLOGY_NAMES } from "../contract/mesh.ts";
import { CHOICES } from "../contract/proposals.ts";
import { DEGREE, OVERLAY_DEGREE } from "../core/overlay/types.ts";

/** The keys of a mesh file and what they mean: one table for checking, completion, hover and the reference. */
export interface KeyMeaning {
  readonly key: string;
  readonly meaning: string;
  /** Values offered by completion. */
  readonly values?: readonly string[];
}

export const MESH_KEYS: readonly KeyMeaning[] = [
  { key: "name", meaning: "Name of the swarm: letters, digits, - and _, at most 40. Default: the file's name." },
  {
    key: "agents",
    meaning:
      "How many agents (1 to 100, and to 1000 where they are simulated; they are called a1, a2, ...), or a list of their ids. Default: 12.",
  },
  {
    key: "topology",
    meaning:
      "Who has a link with whom: mesh, ring, star, grid, hierarchical, k-regular, small-world, hyparview (agents look for their links themselves); or {kind, degree}; or `links:` with pairs of agents. Agents without a link reach each other through others. Default: mesh.",
    values: TOPOLOGY_NAMES,
  },
  {
    key: "zones",
    meaning:
      "Places that may fail as a whole, and who is in each: `{ eu: [a1, a2], us: [a3, a4] }`; or their names alone, `[eu, us]`, over which the agents are dealt out in their order. k-regular, small-world and plans of links spread links over them, and faults hit one as `zone:eu`. Default: none.",
  },
  {
    key: "consensus",
    meaning:
      "How the agents decide. raft: one leader, goes on while a majority lives. pbft: survives (n - 1) / 3 agents that lie, too; at least 4 agents, which stay the same. gossip: no leader and no order, each agent takes writes by itself and all come to the same; no tasks. Default: raft.",
    values: CONSENSUS_KINDS,
  },
  {
    key: "reads",
    meaning:
      "How reads are made sure of: readIndex asks a majority; lease lets the leader answer by itself and assumes that no clock runs more than 1.1 times as fast as another; not with pbft. Neither with gossip, whose reads are of what is there. Default: readIndex.",
    values: READ_MODES,
  },
  {
    key: "memory",
    meaning:
      "By what the memory is replicated. consensus: as everything else, so that all have it in one order. eventual: by gossip beside raft; any agent takes writes at once, also where nothing can be decided, and all come to the same; counters and sets, no compare-and-set, no linearizable reads, fixed members. With gossip it is eventual anyway; not with pbft. Default: consensus.",
    values: MEMORY_MODES,
  },
  {
    key: "detector",
    meaning:
      "How agents find out who is alive. swim: they probe one another in turn, and news travels on the probes; a member's load does not depend on how many there are. heartbeat: they listen to everybody's heartbeats, and a quorum has to confirm a failure. Default: swim.",
    values: DETECTOR_KINDS,
  },
  {
    key: "timing",
    meaning: "A profile (local, lan, wan, seed), or `profile:` with single times replaced. Default: local.",
    values: ["local", "lan", "wan", "seed"],
  },
  {
    key: "detached",
    meaning: "true: the agents go on for ever without their coordinator. Default: false.",
    values: ["true", "false"],
  },
  { key: "grace", meaning: "How long the agents live without a coordinator. Default: 10s." },
  {
    key: "basePort",
    meaning: "First TCP port on 127.0.0.1; the agents take consecutive ones. 0: free ones. Default: 0.",
  },
  {
    key: "listen",
    meaning:
      "An IP address of this machine at which agents of other hosts may join, encrypted and by join secret. Without it the swarm is for this machine alone.",
  },
  { key: "slots", meaning: "Tasks that one agent runs at a time (1 to 64). Default: 2." },
  { key: "taskLease", meaning: "How long an agent may hold a task without renewing its lease. Default: 5s." },
  { key: "tasks", meaning: "Work to submit once the swarm has a leader; not with gossip." },
  {
    key: "proposals",
    meaning:
      "How proposals are decided, and how agents vote on them: {threshold, timeout, schema, policy, policies}. Default: 0.67 of the voters, within 30s; all approve.",
  },
  { key: "faults", meaning: "Faults that unfold by themselves: at a time, on an event, or again and again." },
  { key: "chaos", meaning: "Faults drawn at random, besides: `{every, for, until, kinds}`." },
  {
    key: "expect",
    meaning: "What every run is judged by, simulated or live: invariants, liveness, and bounds of your own.",
  },
  {
    key: "recording",
    meaning:
      "What live agents record of themselves, for `agent-mesh replay` and `export`: true, false, or {size, age, keep}. Default: true.",
    values: ["true", "false"],
  },
  {
    key: "simulate",
    meaning:
      "What simulated runs are told rather than draw from their seed: {seed, for, clients, operations, chaos, members, counters}. A running swarm passes over it.",
  },
];

export const TOPOLOGY_KEYS: readonly KeyMeaning[] = [
  {
    key: "kind",
    meaning:
      "k-regular: so many links each, drawn. small-world: a ring with links to the nearest on either side, and drawn shortcuts across. hyparview: agents look for their links themselves, and for others in the place of those that are lost. Or one of those without a degree.",
    values: TOPOLOGY_NAMES,
  },
  {
    key: "degree",
    meaning: `How many links an agent has, of k-regular and small-world (${DEGREE.min} to ${DEGREE.max}); some have one more. Where there are no more than so many others, all are linked with all. Of hyparview, how many at most (${OVERLAY_DEGREE.min} to ${OVERLAY_DEGREE.max}). Default: ${DEGREE.usual}.`,
  },
  { key: "links", meaning: "Pairs of agents that have a link, instead." },
];

export const SIMULATE_KEYS: readonly KeyMeaning[] = [
  { key: "seed", meaning: "The seed that `agent-mesh simulate` tries when it is given none." },
  {
    key: "for",
    meaning: "How long faults and work last, in virtual time. Default: 30 of the longest election timeouts.",
  },
  { key: "clients", meaning: "How many use the memory and submit tasks, one operation at a time each. Default: 4." },
  {
    key: "operations",
    meaning: "How many operations they begin, all together. Default: as many as there is time for.",
  },
  {
    key: "chaos",
    meaning: "Bad luck of all kinds besides the faults of this file. Default: true where the file has none.",
    values: ["true", "false"],
  },
  {
    key: "members",
    meaning:
      "Agents join and leave meanwhile; not with pbft, nor with memory: eventual beside raft. Default: false with gossip, else in half of the runs under chaos.",
    values: ["true", "false"],
  },
  {
    key: "counters",
    meaning:
      "Clients count and keep sets, too, besides values; with gossip. With memory: eventual they always do. Default: false.",
    values: ["true", "false"],
  },
];

export const RECORDING_KEYS: readonly KeyMeaning[] = [
  { key: "size", meaning: "At most so much of each agent, the oldest goes first: 1MB to 64GB. Default: 128MB." },
  { key: "age", meaning: "What is older is removed. Default: 1h." },
  {
    key: "keep",
    meaning: "true: recordings stay in .agent-mesh/recordings when the swarm is stopped. Default: false.",
    values: ["true", "false"],
  },
];

export const TIMING_KEYS: readonly KeyMeaning[] = [
  { key: "profile", meaning: "The profile to start from.", values: ["local", "lan", "wan", "seed"] },
  { key: "heartbeat", meaning: "How often a leader or primary says that it is there." },
  {
    key: "electionTimeoutMin",
    meaning: "Raft: a follower campaigns after a silence drawn from [min, max]. At least twice the heartbeat.",
  },
  {
    key: "electionTimeoutMax",
    meaning:
      "Raft: see electionTimeoutMin. More than the minimum. PBFT: a view is given up when what is known of was not decided in twice as long.",
  },
  { key: "probeInterval", meaning: "swim: how often an agent probes one other." },
  {
    key: "probeTimeout",
    meaning:
      "swim: how long a ping may go unanswered before others are asked to probe, too. At most half of probeInterval.",
  },
  {
    key: "suspicionMultiplier",
    meaning:
      "swim: a suspect has at least so many times log10(n) intervals to be heard of, and six times as long while nobody else suspects it (0.5 to 20).",
  },
  {
    key: "memberHeartbeat",
    meaning:
      "Failure detection by heartbeat: heartbeats between neighbours. Gossip: how often an agent compares itself with another.",
  },
  {
    key: "suspectAfter",
    meaning: "heartbeat: silence after which an agent is suspected. At least twice memberHeartbeat.",
  },
  { key: "failAfter", meaning: "heartbeat: time a suspect has to be heard of." },
  { key: "failAfterClosed", meaning: "The same when its link closed and cannot be opened again." },
];

export const TASK_KEYS: readonly KeyMeaning[] = [
  { key: "id", meaning: "Unique in the file: letters, digits, . - and _, at most 100." },
  { key: "run", meaning: "The program and its arguments, as a list; no shell is involved." },
  { key: "cwd", meaning: "Folder to run in, inside the swarm's folder. Default: the swarm's folder." },
  { key: "timeout", meaning: "The task is ended when it runs longer. Default: no limit." },
  { key: "attempts", meaning: "Runs in all when it exits with another code than 0 (1 to 100). Default: 1." },
  { key: "agent", meaning: "The agent that must run it. Default: any." },
];

export const PROPOSAL_KEYS: readonly KeyMeaning[] = [
  {
    key: "threshold",
    meaning:
      "The share of all voters that must approve: above 0.5, at most 1, with at most four decimals. Default: 0.67.",
  },
  { key: "timeout", meaning: "What is undecided so long after it was put to the vote has expired. Default: 30s." },
  {
    key: "schema",
    meaning:
      "A JSON schema (draft 2020-12) that every proposal's body must fit before it is put to the vote, or the path of a .json file with one. Default: any JSON.",
  },
  {
    key: "policy",
    meaning:
      'How agents vote that `policies` does not name: approve, reject, `{ reject: "why" }`, `{ schema }` or `{ command, args, timeout }`. Default: approve.',
    values: CHOICES,
  },
  { key: "policies", meaning: "How single agents vote, by their ids." },
];

export const POLICY_KEYS: readonly KeyMeaning[] = [
  { key: "reject", meaning: "It rejects everything, for this reason." },
  {
    key: "schema",
    meaning: "It approves what fits this JSON schema (draft 2020-12); or the path of a .json file with one.",
  },
  {
    key: "command",
    meaning:
      "A program that decides, run without a shell in the swarm's folder: it gets the proposal as JSON on its standard input. Exit code 0 approves, any other rejects; the last line it writes is the reason.",
  },
  { key: "args", meaning: "The program's arguments, as a list." },
  { key: "timeout", meaning: "A program that runs longer is ended, and that rejects. Default: 10s." },
];

export const EXPECT_KEYS: readonly KeyMeaning[] = [
  {
    key: "invariants",
    meaning: `What must never break: all, none, or a list of ${INVARIANTS.join(", ")}; the first three are Raft's, gossip has the last two. Default: all.`,
    values: ["all", "none"],
  },
  {
    key: "liveness",
    meaning:
      "How soon the mesh serves everybody again once all faults have ended, or off. Default: a bound that follows from the timing.",
    values: ["off"],
  },
  {
    key: "recovery",
    meaning:
      "The same for a majority that is healed while all others stay broken, or off; only in simulations. Default: as for liveness.",
    values: ["off"],
  },
  {
    key: "leaderWithin",
    meaning:
      "After a fault, or its end, no longer than this without a leader while a majority is up and connected; not with gossip.",
  },
  {
    key: "tasksDoneBy",
    meaning: "All tasks of this file have ended by then, counted from the swarm being ready; not with gossip.",
  },
  {
    key: "availability",
    meaning: "The share of their time in which clients were served, such as 0.99; or `{share, window, answerWithin}`.",
  },
  {
    key: "maxElections",
    meaning:
      "Elections won (with pbft: views entered) from the swarm being ready to the end of the faults, at most; not with gossip.",
  },
];

export const AVAILABILITY_KEYS: readonly KeyMeaning[] = [
  { key: "share", meaning: "Above 0 and up to 1." },
  { key: "window", meaning: "It must hold in every stretch of this length. Default: over the whole run." },
  {
    key: "answerWithin",
    meaning: "An answer that took longer counts as none. Default: the shortest election timeout.",
  },
];
