import type { LinksEach } from "../../contract/topology.ts";
import { planText } from "../../coordinator/plan-text.ts";
import { checkedBounds, nothingToPlan } from "../../coordinator/rewiring.ts";
import { planTopology } from "../../core/overlay/optimise.ts";
import { DEGREE, overlayOf } from "../../core/overlay/types.ts";
import { linksOf } from "../../meshfile/topology-section.ts";
import { zonesOf } from "../../meshfile/zones-section.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import { diagnosticText, readMeshFile } from "./check.ts";
import type { Output } from "./output.ts";
import type { Reached } from "./reach.ts";

/** `optimise [--apply] [--links 3..5]`: a plan for the running swarm, by what was measured of its links, which --apply carries out. @returns the exit code */
export async function optimise({ coordinator, swarm }: Reached, { flags }: Arguments, output: Output): Promise<number> {
  const plan = await coordinator.handle("planTopology", { swarm: swarm.id, ...linksWish(flags.links) });
  const { add, drop, basis, least } = plan;
  if (!flags.apply || (add.length === 0 && drop.length === 0)) {
    output.answer(plan, () => plan.text);
    if (!flags.apply && add.length + drop.length > 0) output.note("Nothing was changed: --apply carries it out.");
    return 0;
  }
  if (!output.json) output.note(plan.text);
  const operation = `optimise-${process.pid}-${Date.now().toString(36)}`;
  const done = await coordinator.handle("rewire", { swarm: swarm.id, operation, basis, least, add, drop });
  output.answer({ ...plan, done }, () => `${done.added} added, ${done.dropped} dropped: ${done.links} links now`);
  return 0;
}

/** `optimise FILE`: what a plan would make of the links that a mesh file gives its agents; nothing is measured. @returns the exit code */
export function optimiseFile(file: string, { flags }: Arguments, output: Output): number {
  if (flags.apply) throw new UsageError("--apply is for a running swarm: leave FILE out, or take --swarm ID.");
  const bounds = checkedBounds(linksWish(flags.links));
  const { mesh, diagnostics } = readMeshFile(file);
  if (mesh === undefined) {
    for (const found of diagnostics) output.problem(diagnosticText(file, found));
    return 1;
  }
  if (overlayOf(mesh.topology.kind) !== undefined) {
    output.problem(nothingToPlan(mesh.name));
    return 1;
  }
  const agents = mesh.agents.map(({ id }) => id);
  const plan = planTopology({ agents, links: linksOf(mesh), zones: zonesOf(mesh.agents), ...bounds });
  output.answer(plan, () => planText(plan));
  return 0;
}

/** `3..5`: at least and at most; one number: at least. @throws UsageError */
export function linksWish(text: string | undefined): Partial<LinksEach> {
  if (text === undefined) return {};
  const match = /^(\d{1,2})(?:\.\.(\d{1,2}))?$/.exec(text);
  const [least, most] = [Number(match?.[1]), match?.[2] === undefined ? undefined : Number(match[2])];
  const fits = (count: number): boolean => count >= DEGREE.min && count <= DEGREE.max;
  if (match === null || !fits(least) || (most !== undefined && (!fits(most) || most <= least)))
    throw new UsageError(
      `--links takes the fewest and the most links of an agent, such as 3..5, from ${DEGREE.min} to ${DEGREE.max} and the second one larger, not ${text}.`,
    );
  return { least, ...(most !== undefined && { most }) };
}
