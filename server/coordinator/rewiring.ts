/**
 * Plans other links for a running swarm, and carries a plan out while it decides. No link goes before all new ones are up, and the swarm's file says at each step what agents are told:
 *
 *   file: both, the old and the new links | all agents are told | the new ones come up | file: the new links | all agents are told
 *
 * Where one does not come up in time, all goes back. A coordinator that dies in between leaves a swarm with both, and a file that says so: the next plan drops what is too much.
 */
import { createHash } from "node:crypto";
import type { LinksEach, Rewired, RewireRequest, TopologyPlanView } from "../contract/topology.ts";
import { biconnected } from "../core/overlay/graph.ts";
import { LINKS_EACH, planTopology } from "../core/overlay/optimise.ts";
import { buildLinks } from "../core/overlay/topology.ts";
import { DEGREE, type Link, overlayOf } from "../core/overlay/types.ts";
import { rewriteSwarm } from "../live/layout.ts";
import { presentAgents, presentZones, type SwarmFile } from "../live/swarm-file.ts";
import { cutsLinks } from "./fault-rules.ts";
import { planText } from "./plan-text.ts";
import { Refusal } from "./refusal.ts";
import type { Swarm } from "./swarm.ts";
import { COORDINATOR_LANE } from "./timeline/timeline.ts";

/** For new links to come up. */
const UP_MS = 10_000;
const LOOK_EVERY_MS = 25;
const MAX_NAMED = 5;

/** @param name of the swarm */
export function nothingToPlan(name: string): string {
  return `The agents of ${name} look for their links themselves (topology hyparview), so there is no plan to make of them.`;
}

type Progress = (stage: string, done: number, total: number) => void;

/** @throws Refusal for bounds that leave no choice */
export function planRewiring(swarm: Swarm, bounds: Partial<LinksEach>): TopologyPlanView {
  const { file } = swarm;
  refuseOverlay(file);
  const agents = idsOf(file);
  const { least, most } = checkedBounds(bounds);
  const plan = planTopology({
    agents,
    links: file.links,
    measured: swarm.latencies.pairs(),
    zones: presentZones(file),
    least,
    most,
  });
  const { add, drop, usualMs, before, after } = plan;
  const shown = { least, most, add, drop, usualMs, before, after };
  return { ...shown, basis: basisOf(file), text: planText(shown) };
}

/** @throws Refusal where links look after themselves */
function refuseOverlay({ name, topology }: Pick<SwarmFile, "name" | "topology">): void {
  if (overlayOf(topology) !== undefined) throw new Refusal("refused", nothingToPlan(name));
}

/** Filled in as usual. @throws Refusal where they leave no choice */
export function checkedBounds(bounds: Partial<LinksEach>): LinksEach {
  const { least = LINKS_EACH.least, most = Math.max(LINKS_EACH.most, least + 1) } = bounds;
  if (least < most && most <= DEGREE.max) return { least, most };
  throw new Refusal(
    "refused",
    `At least ${least} and at most ${most} links an agent leave no choice: of an odd number of agents not all can have the same odd number. Give at least one more, up to ${DEGREE.max}.`,
  );
}

/** @param cancelled by the person, until links are dropped @throws Refusal; nothing has changed then, or all is as it was */
export async function rewire(
  swarm: Swarm,
  request: RewireRequest,
  progress: Progress,
  cancelled: AbortSignal,
): Promise<Rewired> {
  return swarm.members.alone("The topology", "rewired", async (signal) => {
    const { file } = swarm;
    refuseOverlay(file);
    if (basisOf(file) !== request.basis)
      throw new Refusal(
        "refused",
        `The agents or links of ${file.name} have changed since the plan was made. Make a new one.`,
      );
    const after = linksAfter(file, request);
    refuseIfBroken(swarm);
    const added = request.add.length;
    const dropped = request.drop.length;
    const beganMs = performance.now();
    swarm.record("rewiringBegun", COORDINATOR_LANE, { add: added, drop: dropped });
    const both = [...file.links, ...request.add];
    const step = async (next: SwarmFile): Promise<void> => {
      rewriteSwarm(next);
      swarm.rewritten(next);
      await swarm.members.tellAll();
      // Effects of faults are each agent's share by the links it has.
      await swarm.sendEffects();
    };
    // What comes and goes from now on goes by the plan, not by the topology that it was.
    const rewired = { ...file, rewired: true, topology: "links", degree: request.least } as const;
    await step({ ...rewired, links: sorted(file, both) });
    const down = await comeUp(swarm, request.add, (up) => progress("Bringing new links up", up, added), [
      signal,
      cancelled,
    ]);
    if (signal.aborted)
      throw new Refusal(
        "unavailable",
        `Rewiring was given up: ${String(signal.reason)}. ${file.name} has both, the old and the new links.`,
      );
    if (down.length > 0 || cancelled.aborted) {
      await step({ ...file, rewired: true });
      const reason = cancelled.aborted ? "it was cancelled" : `${namesText(down)} did not come up`;
      swarm.record("rewiringUndone", COORDINATOR_LANE, { reason });
      if (cancelled.aborted) throw new Refusal("cancelled", "Rewiring was cancelled. All links are as they were.");
      throw new Refusal(
        "failed",
        `${namesText(down)} did not come up within ${UP_MS / 1000} s. All links are as they were; try again when these agents can reach each other.`,
      );
    }
    progress("Dropping links", 0, dropped);
    await step({ ...rewired, links: after });
    progress("Dropping links", dropped, dropped);
    const done = { added, dropped, links: after.length };
    swarm.record("rewired", COORDINATOR_LANE, { ...done, tookMs: Math.round(performance.now() - beganMs) });
    return done;
  });
}

/** In the order of the roster. @throws Refusal where the plan is none for these links */
function linksAfter(file: SwarmFile, { add, drop }: RewireRequest): Link[] {
  const agents = idsOf(file);
  const there = new Set(file.links.map(keyOf));
  for (const link of add)
    if (!agents.includes(link.a) || !agents.includes(link.b) || link.a === link.b || there.has(keyOf(link)))
      throw new Refusal(
        "refused",
        `The link ${link.a} - ${link.b} cannot be added: it is there, or does not join two agents.`,
      );
  for (const link of drop)
    if (!there.has(keyOf(link)))
      throw new Refusal("refused", `The link ${link.a} - ${link.b} cannot be dropped: it is not there.`);
  const gone = new Set(drop.map(keyOf));
  const after = sorted(file, [...file.links.filter((link) => !gone.has(keyOf(link))), ...add]);
  if (!biconnected(agents, after))
    throw new Refusal(
      "refused",
      "With these links the swarm would hang on a single agent, or fall apart. Make a new plan.",
    );
  return after;
}

/** @throws Refusal where new links could not come up, or would lead round a fault */
function refuseIfBroken(swarm: Swarm): void {
  const absent = swarm.agents.filter(({ alive, observed }) => !alive || !observed).map(({ id }) => id);
  if (absent.length > 0)
    throw new Refusal(
      "refused",
      `${absent.slice(0, MAX_NAMED).join(", ")} ${absent.length === 1 ? "does" : "do"} not answer now, so that new links with ${absent.length === 1 ? "it" : "them"} would not come up. Heal or remove ${absent.length === 1 ? "it" : "them"} first.`,
    );
  const cutting = swarm.faults.active.find(cutsLinks);
  if (cutting !== undefined)
    throw new Refusal(
      "refused",
      `${cutting.title} (${cutting.id}) lets nothing pass on some links, and new links would lead round it. Heal it first.`,
    );
}

/** Waits until both ends of each have it up. @returns those that are not, when it is time or given up */
async function comeUp(
  swarm: Swarm,
  links: readonly Link[],
  told: (up: number) => void,
  signals: readonly AbortSignal[],
): Promise<readonly Link[]> {
  const deadline = performance.now() + UP_MS;
  const hasUp = (id: string, peer: string): boolean =>
    swarm.agents.find((agent) => agent.id === id)?.link(peer)?.up === true;
  for (let known = -1; ; ) {
    const down = links.filter(({ a, b }) => !hasUp(a, b) || !hasUp(b, a));
    const up = links.length - down.length;
    if (up !== known) told(up);
    known = up;
    if (down.length === 0 || signals.some(({ aborted }) => aborted) || performance.now() > deadline) return down;
    await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
  }
}

function idsOf(file: SwarmFile): string[] {
  return presentAgents(file).map(({ id }) => id);
}

function sorted(file: SwarmFile, links: readonly Link[]): Link[] {
  return buildLinks("links", idsOf(file), { links: links.map(({ a, b }) => [a, b]) });
}

function basisOf(file: SwarmFile): string {
  const links = file.links.map(keyOf).toSorted();
  return createHash("sha256")
    .update(JSON.stringify([idsOf(file), links]))
    .digest("hex")
    .slice(0, 32);
}

function keyOf({ a, b }: Link): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function namesText(links: readonly Link[]): string {
  const named = links.slice(0, MAX_NAMED).map(({ a, b }) => `${a} - ${b}`).join(", "); // biome-ignore format: one list
  return links.length > MAX_NAMED ? `${named} and ${links.length - MAX_NAMED} more` : named;
}
