import { type AgentReport, connect } from "../server/client/client.ts";
import type { BareSwarm } from "./bare-swarm.ts";

/** What a swarm did between two looks at it, all agents together. */
export interface Use {
  readonly messages: number;
  readonly cpuSeconds: number;
  /** Of PBFT, 0 otherwise: sequence numbers executed, signatures made, verified, and found to be known. */
  readonly batches: number;
  readonly signed: number;
  readonly verified: number;
  readonly known: number;
}

/** Of every agent that answers within `timeoutMs`, in the order of the swarm. @throws MeshError when one does not */
export async function reportsOf(swarm: BareSwarm, timeoutMs = 10_000): Promise<readonly AgentReport[]> {
  return await Promise.all(
    swarm.agents.map(async (agent) => {
      const mesh = connect({ agents: [agent], token: swarm.token, timeoutMs });
      try {
        return await mesh.report();
      } finally {
        mesh.close();
      }
    }),
  );
}

export function consensusUse(before: readonly AgentReport[], after: readonly AgentReport[]): Use {
  const rises = (of: (report: AgentReport) => number): number[] =>
    after.map((report, at) => of(report) - of(before[at] as AgentReport));
  const sum = (of: (report: AgentReport) => number): number => rises(of).reduce((a, b) => a + b, 0);
  return {
    messages: sum(({ messagesOut }) => messagesOut),
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    batches: Math.max(...rises(({ pbft }) => pbft?.executedSeq ?? 0)),
    signed: sum(({ pbft }) => pbft?.signed ?? 0),
    verified: sum(({ pbft }) => pbft?.verified ?? 0),
    known: sum(({ pbft }) => pbft?.known ?? 0),
  };
}
