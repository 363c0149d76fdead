import type { ConsensusKind } from "../server/contract/consensus.ts";
import type { RecordingLimits, Timing } from "../server/contract/mesh.ts";
import { buildLinks } from "../server/core/overlay/topology.ts";
import { makeKeys, makeSwarmId, makeToken } from "../server/live/identity.ts";
import { createSwarm, removeSwarm } from "../server/live/layout.ts";
import { freePorts } from "../server/live/ports.ts";
import { kill, type ProcessIdentity } from "../server/live/process.ts";
import { spawnAgent } from "../server/live/spawn.ts";
import { TIMING } from "../server/meshfile/timing.ts";

export interface BareSwarmOptions {
  readonly recording?: RecordingLimits;
  readonly consensus?: ConsensusKind;
  readonly timing?: Timing;
}

export interface BareSwarm {
  readonly agents: readonly { readonly id: string; readonly port: number }[];
  readonly token: string;
  processOf(agent: string): ProcessIdentity;
  /** Starts an agent again that was killed. @returns its new process */
  restart(agent: string): Promise<ProcessIdentity>;
  stop(): Promise<void>;
}

/**
 * Live agents as the coordinator starts them, but with nobody observing: what a peer without a watcher is compared with.
 * @param recording absent: none @param consensus absent: raft @param timing absent: that of one machine
 */
export async function startBareSwarm(
  folder: string,
  count: number,
  { recording, consensus = "raft", timing = TIMING.local }: BareSwarmOptions = {},
): Promise<BareSwarm> {
  const ids = Array.from({ length: count }, (_, at) => `a${at + 1}`);
  const ports = await freePorts(count, 0);
  const keys = new Map(ids.map((id) => [id, makeKeys()]));
  const agents = ids.map((id, at) => ({ id, port: ports[at] as number, publicKey: keys.get(id)?.publicKey as string }));
  const swarm = makeSwarmId();
  const token = makeToken();
  createSwarm(
    {
      version: 1,
      id: swarm,
      name: "bench",
      file: "",
      folder,
      createdAtMs: Date.now(),
      topology: "mesh",
      consensus,
      reads: "readIndex",
      detector: "swim",
      agents,
      links: buildLinks("mesh", ids),
      timing,
      slots: 2,
      taskLeaseMs: 5000,
      graceMs: 10_000,
      // Nobody owns it; stop() ends it.
      detached: true,
      recording: recording ?? null,
    },
    token,
    new Map([...keys].map(([id, key]) => [id, key.privateKey])),
  );
  const current = new Map(
    await Promise.all(ids.map(async (agent) => [agent, await spawnAgent({ folder, swarm, agent })] as const)),
  );
  return {
    agents,
    token,
    processOf: (agent) => current.get(agent) as ProcessIdentity,
    restart: async (agent) => {
      const process = await spawnAgent({ folder, swarm, agent });
      current.set(agent, process);
      return process;
    },
    stop: async () => {
      for (const process of current.values()) kill(process);
      removeSwarm(folder, swarm);
    },
  };
}
