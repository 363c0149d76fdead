import type { KeyEntry } from "./roster-keys.ts";

/** What proofs are held against. */
export type Ground =
  | { readonly swarm: { readonly id: string; readonly name: string; readonly agents: readonly KeyEntry[] } }
  | { readonly key: string };

/** @param swarm the id of the one that a proof says it is from; undefined: it says none. @returns undefined: only the proof's own keys are known */
export type GroundOf = (swarm: string | undefined) => Ground | undefined;

export type GroundSwarm = Extract<Ground, { readonly swarm: unknown }>["swarm"];

/** Why a proof is not of this swarm; undefined: it says that it is. */
export function otherSwarm(
  proof: { readonly swarm: string; readonly name: string },
  { id, name }: GroundSwarm,
): string | undefined {
  return proof.swarm === id
    ? undefined
    : `it is from the swarm ${proof.name} (${proof.swarm}), and not from ${name} (${id})`;
}

export function stranger(agent: string, { name, id }: GroundSwarm): string {
  return `there is no agent "${agent}" in ${name} (${id})`;
}
