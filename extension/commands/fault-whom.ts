/** Whom a fault hits: an agent, a group, a link, sides. */
import { CONSENSUS, roleTitle } from "../../server/contract/consensus.ts";
import { type FaultSpec, type PartitionShape, ZONE_TARGET } from "../../server/contract/faults.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { InjectTarget } from "../../server/contract/webview.ts";
import type { Asker, Choice, Separator } from "./asking.ts";

export interface Ends {
  readonly a: string;
  readonly b?: string;
}

/** As Jepsen has them; drawn when the fault is injected. */
const GROUPS: readonly Choice<string>[] = [
  { label: "$(person) One", description: "any one, drawn", value: "one" },
  { label: "$(person) A minority", description: "as many as can fail", value: "minority" },
  {
    label: "$(person) A minority of a third",
    description: "as a Byzantine protocol tolerates",
    value: "minorityThird",
  },
  { label: "$(organization) A majority", description: "the smallest one, drawn", value: "majority" },
  { label: "$(organization) Everyone", value: "everyone" },
];

const SHAPES: readonly Choice<PartitionShape>[] = [
  { label: "Halves", detail: "Two sides as equal as can be.", value: "halves" },
  { label: "Majority", detail: "The smallest majority from the rest.", value: "majority" },
  { label: "One from the rest", detail: "A drawn one alone.", value: "isolateOne" },
  { label: "Bridge", detail: "Two halves that only one agent reaches both of.", value: "bridge" },
  { label: "Ring", detail: "Each hears its nearest in a ring, and no two the same majority.", value: "ring" },
  { label: "One way", detail: "What one half sends does not reach the other.", value: "oneWay" },
  { label: "Random", detail: "Each pair with probability a half.", value: "random" },
];

export function leaderAndAgents(swarm: SwarmView): readonly Choice<string>[] {
  const { leader } = swarm.health;
  const agents = swarm.agents.map(({ id, process, role }) => ({
    label: id,
    description: process === "running" ? (role === null ? "" : roleTitle(role)) : process,
    value: id,
  }));
  const { leader: title } = CONSENSUS[swarm.consensus];
  return leader === null || title === ""
    ? agents
    : [{ label: `$(star-full) The ${title}`, description: leader, value: "leader" }, ...agents];
}

function groups({ agents }: SwarmView): readonly (Choice<string> | Separator)[] {
  const fewest: Readonly<Record<string, number>> = { minority: 3, minorityThird: 4 };
  return [{ separator: "Groups" }, ...GROUPS.filter(({ value }) => agents.length >= (fewest[value] ?? 1))];
}

/** All agents of each, where there are zones. */
function zones({ agents }: SwarmView): readonly (Choice<string> & { readonly description: string })[] {
  const names = [...new Set(agents.flatMap(({ zone }) => zone ?? []))];
  return names.map((name) => {
    const inside = agents.filter(({ zone }) => zone === name).map(({ id }) => id);
    return { label: `$(globe) Zone ${name}`, description: inside.join(", "), value: `${ZONE_TARGET}${name}` };
  });
}

function separated(title: string, choices: readonly Choice<string>[]): readonly (Choice<string> | Separator)[] {
  return choices.length === 0 ? [] : [{ separator: title }, ...choices];
}

export async function askWhom(
  asker: Asker,
  swarm: SwarmView,
  { agent }: Partial<InjectTarget>,
  title = "Inject Failure: whom?",
): Promise<string | undefined> {
  return agent ?? asker.pick(title, [...leaderAndAgents(swarm), ...separated("Zones", zones(swarm)), ...groups(swarm)]);
}

/** The link of a menu, all links of its agent, or what the person picks. */
export async function askEnds(
  asker: Asker,
  swarm: SwarmView,
  { agent, a, b }: Partial<InjectTarget>,
): Promise<Ends | undefined> {
  if (a !== undefined && b !== undefined) return { a, b };
  if (agent !== undefined) return { a: agent };
  const { leader } = CONSENSUS[swarm.consensus];
  const all = [...(leader === "" ? [] : ["leader"]), ...swarm.agents.map(({ id }) => id)].map((id) => ({
    label: `All links of ${id === "leader" ? `the ${leader}` : id}`,
    value: { a: id } as Ends,
  }));
  const single = swarm.links.map((link) => ({
    label: `${link.a} – ${link.b}`,
    description: link.state,
    value: { a: link.a, b: link.b } as Ends,
  }));
  return asker.pick("Inject Failure: which link?", [...all, ...single]);
}

/** out: what `a` sends. */
export async function askDirection(asker: Asker, { a, b }: Ends): Promise<"both" | "out" | "in" | undefined> {
  const who = a === "leader" ? "the leader" : a;
  return asker.pick("Inject Failure: in which direction?", [
    { label: "Both directions", value: "both" },
    { label: b === undefined ? `What ${who} sends` : `${a} → ${b}`, value: "out" },
    { label: b === undefined ? `What ${who} receives` : `${b} → ${a}`, value: "in" },
  ] as const satisfies readonly Choice<"both" | "out" | "in">[]);
}

/** @throws Error when nobody is left on the other side */
export async function askSides(asker: Asker, swarm: SwarmView): Promise<FaultSpec | undefined> {
  const picked = await asker.pickMany(
    "Inject Failure: which agents stand on one side? The others form the other side.",
    [
      ...zones(swarm),
      ...swarm.agents.map(({ id, role, process }) => ({
        label: id,
        description: role === null ? process : roleTitle(role),
        value: id,
      })),
    ],
  );
  if (picked === undefined) return undefined;
  const isPicked = ({ id, zone }: SwarmView["agents"][number]): boolean =>
    picked.includes(id) || (zone !== undefined && picked.includes(`${ZONE_TARGET}${zone}`));
  const side = swarm.agents.filter(isPicked).map(({ id }) => id);
  const rest = swarm.agents.map(({ id }) => id).filter((id) => !side.includes(id));
  if (rest.length === 0) throw new Error("A partition needs two sides: leave at least one agent out.");
  return { kind: "partition", sides: [side, rest] };
}

export async function askShape(asker: Asker): Promise<FaultSpec | undefined> {
  const shape = await asker.pick("Inject Failure: which shape?", SHAPES);
  return shape && { kind: "partition", sides: [], shape };
}
