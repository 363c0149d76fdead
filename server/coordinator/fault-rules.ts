/** What the effects of active faults ask of each agent, and what of the links. */
import { CONSENSUS, type ConsensusKind } from "../contract/consensus.ts";
import type { DiskTrouble, Effect, FaultSpec, HeldEffect, MessageRule, Toxic } from "../contract/faults.ts";
import type { Zones } from "../core/overlay/zones.ts";
import { faultsToleratedBy } from "../core/pbft/replicas.ts";
import { liars } from "../meshfile/consensus-section.ts";

export interface Mesh {
  readonly agents: readonly string[];
  readonly links: readonly { readonly a: string; readonly b: string }[];
  readonly consensus: ConsensusKind;
  readonly zones?: Zones;
}

export interface HeldFault {
  readonly id: string;
  readonly effects: readonly Effect[];
  readonly untilMs: number | null;
}

/** Why a running swarm cannot carry an effect out, as a sentence; undefined when it can. */
export function impossible(effect: Effect): string | undefined {
  return effect.on === "disk" ? impossibleOnDisk(effect.disk) : undefined;
}

/** The same of a fault as it is planned, before its targets are known. */
export function impossibleFault(spec: FaultSpec): string | undefined {
  return spec.kind === "disk" ? impossibleOnDisk(spec.disk) : undefined;
}

function impossibleOnDisk({ trouble }: DiskTrouble): string | undefined {
  switch (trouble) {
    case "bitRot":
    case "tornTail":
    case "lostSyncs":
      return `${trouble} would destroy what a real agent has on its disk, and nothing could heal it. \`agent-mesh simulate\` can do it: there the disk is simulated.`;
    default:
      return undefined;
  }
}

/**
 * Why consensus does not promise to survive an effect, as a sentence; undefined where it does. Raft and gossip survive no liar, PBFT less than a third of all.
 * @param active all that holds, the effect itself included
 */
export function beyondPromise(
  effect: Effect,
  active: readonly Pick<HeldFault, "effects">[],
  { agents, consensus }: Pick<Mesh, "agents" | "consensus">,
): string | undefined {
  if (effect.on !== "byzantine") return undefined;
  if (consensus !== "pbft") return `${CONSENSUS[consensus].title} does not promise to survive this.`;
  const lying = new Set(
    active.flatMap(({ effects }) => effects.flatMap((one) => (one.on === "byzantine" ? [one.agent] : []))),
  );
  const survived = faultsToleratedBy(agents.length);
  return lying.size <= survived
    ? undefined
    : `${liars(lying.size)} of ${agents.length} agents are more than PBFT survives, which is ${survived}: it promises nothing now.`;
}

/** What one agent has to carry out of all active faults. */
export function effectsOf(agent: string, faults: readonly HeldFault[], mesh: Pick<Mesh, "links">): HeldEffect[] {
  const peers = new Set(mesh.links.flatMap(({ a, b }) => (a === agent ? [b] : b === agent ? [a] : [])));
  return faults.flatMap(({ id, effects, untilMs }) =>
    effects.flatMap((effect, at) => (concerns(effect, agent, peers) ? [{ id: `${id}/${at}`, effect, untilMs }] : [])),
  );
}

function concerns(effect: Effect, agent: string, peers: ReadonlySet<string>): boolean {
  switch (effect.on) {
    case "process":
      return false;
    case "message":
      return effect.rule.from?.includes(agent) ?? true;
    case "link": {
      const { from, to, toxic } = effect;
      if (from === agent) return toxic.toxic !== "slowClose" && peers.has(to);
      // What lets nothing pass holds at both ends, so that it holds where only one could be told and neither dials; a close is late where it is seen.
      return to === agent && peers.has(from) && (cuts(toxic) || ["timeout", "slowClose"].includes(toxic.toxic));
    }
    default:
      return effect.agent === agent;
  }
}

/** Whether nothing passes on the link, in any direction. */
export function isCut(a: string, b: string, faults: readonly HeldFault[]): boolean {
  return [
    [a, b],
    [b, a],
  ].every(([from, to]) => faults.some(({ effects }) => toxicsOf(effects, from as string, to as string).some(cuts)));
}

/** Whether nothing passes on the link, in one direction at least. */
export function isCutOneWay(a: string, b: string, faults: readonly HeldFault[]): boolean {
  return faults.some(({ effects }) => toxicsOf(effects, a, b).some(cuts) || toxicsOf(effects, b, a).some(cuts));
}

/** Whether it lets nothing pass somewhere, in one direction at least. */
export function cutsLinks({ effects }: Pick<HeldFault, "effects">): boolean {
  return effects.some((effect) => effect.on === "link" && cuts(effect.toxic));
}

/** Whether it befalls what one agent sends to another, its neighbour: a toxic on that way of their link, or a message rule. */
export function hitsWay(from: string, to: string, { effects }: HeldFault): boolean {
  const { toxics, rules } = indexOf(effects);
  return toxics.has(`${from}>${to}`) || rules.some((rule) => meets(rule, from, to));
}

function meets(rule: MessageRule, from: string, to: string): boolean {
  return (rule.from?.includes(from) ?? true) && (rule.to?.includes(to) ?? true);
}

function cuts(toxic: Toxic): boolean {
  return toxic.toxic === "loss" && toxic.share === 1;
}

const NONE: readonly Toxic[] = [];

interface LinkIndex {
  /** By way. */
  readonly toxics: ReadonlyMap<string, readonly Toxic[]>;
  readonly rules: readonly MessageRule[];
}

/** A swarm of a hundred asks for each of its links whenever it is shown. */
const indexes = new WeakMap<readonly Effect[], LinkIndex>();

function indexOf(effects: readonly Effect[]): LinkIndex {
  const known = indexes.get(effects);
  if (known !== undefined) return known;
  const ways = new Map<string, Toxic[]>();
  const rules: MessageRule[] = [];
  for (const effect of effects) {
    if (effect.on === "message") rules.push(effect.rule);
    if (effect.on !== "link") continue;
    const way = `${effect.from}>${effect.to}`;
    const toxics = ways.get(way);
    if (toxics) toxics.push(effect.toxic);
    else ways.set(way, [effect.toxic]);
  }
  const index = { toxics: ways, rules };
  indexes.set(effects, index);
  return index;
}

function toxicsOf(effects: readonly Effect[], from: string, to: string): readonly Toxic[] {
  return indexOf(effects).toxics.get(`${from}>${to}`) ?? NONE;
}
