import { Agent } from "../../server/agent/agent.ts";
import type { World } from "../../server/agent/world.ts";
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import type { SeedReport } from "../../server/contract/coordinator.ts";
import type { Mesh } from "../../server/contract/mesh.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { type SimulateOptions, simulate } from "../../server/sim/simulate.ts";
import type { AgentFactory } from "../../server/sim/world.ts";
import { ForgedVotes } from "./forged-votes.ts";

const AGENTS: Readonly<Record<ConsensusKind, number>> = { raft: 5, pbft: 4, gossip: 5 };

/** Agents of which one always approves, one always rejects, and the others make up their minds, with proposals of a few election timeouts. */
export function proposingMesh(consensus: ConsensusKind): Mesh {
  const text = `
agents: ${AGENTS[consensus]}
consensus: ${consensus}
proposals:
  timeout: 4s
  policy: { schema: { type: object } }
  policies: { a1: approve, a2: { reject: "never" } }
`;
  const { mesh, diagnostics } = parseMesh(text, "proposing.mesh.yaml");
  if (mesh === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return mesh;
}

/** The world as it is, and what agents say of themselves, messages left out. */
function overheard(world: World, hear: (event: TimelineEvent) => void): World {
  return {
    network: world.network,
    log: world.log,
    executor: world.executor,
    judge: world.judge,
    crypto: world.crypto,
    requestTurn: () => world.requestTurn(),
    setAlarm: (atMs) => world.setAlarm(atMs),
    measure: () => world.measure(),
    observing: (sort) => world.observing?.(sort) ?? true,
    observe: (event) => {
      hear(event);
      world.observe(event);
    },
    taskOutput: (taskId, token, stream, text) => world.taskOutput(taskId, token, stream, text),
    reply: (replies) => world.reply(replies),
  };
}

export interface ProposalRun {
  readonly report: SeedReport;
  readonly forged: ForgedVotes;
}

/** One seed under chaos; with PBFT whoever lies forges votes besides. */
export function proposalRun(
  mesh: Mesh,
  seed: number,
  options: SimulateOptions & { readonly hear?: (event: TimelineEvent) => void } = {},
): ProposalRun {
  const { hear, createAgent = (...given) => new Agent(...given), ...rest } = options;
  const heard: AgentFactory = hear
    ? (config, world, recovered, now) => createAgent(config, overheard(world, hear), recovered, now)
    : createAgent;
  const forged = new ForgedVotes();
  const run = () =>
    simulate(mesh, seed, { durationMs: 6000, ...rest, createAgent: forged.among(heard), onFault: forged.onFault });
  return { report: mesh.consensus === "pbft" ? forged.during(run) : run(), forged };
}
