/** What the effects of active faults ask of each agent's links. */
import type { Effect, LinkRule, Toxic } from "../contract/faults.ts";

export interface Mesh {
  readonly agents: readonly string[];
  readonly links: readonly { readonly a: string; readonly b: string }[];
}

export interface HeldFault {
  readonly id: string;
  readonly effects: readonly Effect[];
  readonly untilMs: number | null;
}

/** Why this world cannot do an effect, as a sentence; undefined when it can. */
export function impossible(effect: Effect): string | undefined {
  if (effect.on === "process") return undefined;
  if (effect.on !== "link") return `A ${effect.on} fault is not yet possible in a running swarm.`;
  const { toxic } = effect;
  if (toxic.toxic === "loss") return undefined;
  if (toxic.toxic !== "latency") return `${toxic.toxic} is not yet possible on a link of a running swarm.`;
  return toxic.delay.shape === "constant" || toxic.delay.shape === "uniform"
    ? undefined
    : `A ${toxic.delay.shape} latency is not yet possible in a running swarm.`;
}

/** All rules of one agent: what every active fault asks of its own links. */
export function rulesOf(agent: string, faults: readonly HeldFault[], mesh: Mesh): LinkRule[] {
  const peers = mesh.links.flatMap(({ a, b }) => (a === agent ? [b] : b === agent ? [a] : []));
  return faults.flatMap((fault) => peers.flatMap((peer) => rulesOfLink(agent, peer, fault)));
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

export function hitsLink(a: string, b: string, { effects }: HeldFault): boolean {
  return toxicsOf(effects, a, b).length + toxicsOf(effects, b, a).length > 0;
}

function rulesOfLink(agent: string, peer: string, { id, effects, untilMs }: HeldFault): LinkRule[] {
  const rule = (direction: LinkRule["direction"], toxic: Toxic): LinkRule => ({
    faultId: id,
    peer,
    direction,
    drop: toxic.toxic === "loss" ? toxic.share : 0,
    delayMs: toxic.toxic === "latency" ? toxic.delay.ms : 0,
    jitterMs: toxic.toxic === "latency" ? (toxic.delay.spread ?? 0) : 0,
    untilMs,
  });
  return [
    // Each end treats what it sends: together both directions, each once.
    ...toxicsOf(effects, agent, peer).map((toxic) => rule("out", toxic)),
    // A cut holds at both ends, so that it holds where only one could be told.
    ...toxicsOf(effects, peer, agent)
      .filter(cuts)
      .map((toxic) => rule("in", toxic)),
  ];
}

function cuts(toxic: Toxic): boolean {
  return toxic.toxic === "loss" && toxic.share === 1;
}

const NONE: readonly Toxic[] = [];
/** By way; a swarm of a hundred asks for each of its links whenever it is shown. */
const indexes = new WeakMap<readonly Effect[], ReadonlyMap<string, readonly Toxic[]>>();

function toxicsOf(effects: readonly Effect[], from: string, to: string): readonly Toxic[] {
  let index = indexes.get(effects);
  if (index === undefined) {
    const ways = new Map<string, Toxic[]>();
    for (const effect of effects) {
      if (effect.on !== "link") continue;
      const way = `${effect.from}>${effect.to}`;
      const toxics = ways.get(way);
      if (toxics) toxics.push(effect.toxic);
      else ways.set(way, [effect.toxic]);
    }
    index = ways;
    indexes.set(effects, index);
  }
  return index.get(`${from}>${to}`) ?? NONE;
}
