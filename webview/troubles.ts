/**
 * What is wrong with an agent that its shape does not show: it lies (a fault makes it, or others hold proof of it), computes slowly, has a wrong clock or a bad disk.
 * Small marks beside the shape, each with a shape of its own, and words.
 */
import type { ActiveFault } from "../server/contract/faults.ts";
import { sideWord } from "../server/contract/partition.ts";
import type { AgentView } from "../server/contract/swarm.ts";
import { type AgentLook, circle, type Glyph, stateName } from "./glyphs.ts";

export type Trouble = "liar" | "cpu" | "clock" | "disk";

export const TROUBLES: readonly Trouble[] = ["liar", "cpu", "clock", "disk"];

export const TROUBLE_NAMES: Readonly<Record<Trouble, string>> = {
  liar: "lies",
  cpu: "slow",
  clock: "wrong clock",
  disk: "bad disk",
};

const DISC = circle(1.2);
const PLATE = { d: DISC, fill: "background", stroke: "red", width: 0.18 } as const;

const GLYPHS: Readonly<Record<Trouble, Glyph>> = {
  // A mask with two eyes.
  liar: [
    PLATE,
    {
      d: "M-0.9 -0.42C-0.4 -0.6 -0.2 -0.36 0 -0.36C0.2 -0.36 0.4 -0.6 0.9 -0.42C0.95 0.1 0.75 0.5 0.42 0.5C0.2 0.5 0.12 0.2 0 0.2C-0.12 0.2 -0.2 0.5 -0.42 0.5C-0.75 0.5 -0.95 0.1 -0.9 -0.42Z",
      fill: "foreground",
    },
    { d: "M-0.6 -0.02H-0.3M0.3 -0.02H0.6", stroke: "background", width: 0.24 },
  ],
  // An hourglass with nothing left above.
  cpu: [
    PLATE,
    { d: "M-0.5 -0.7H0.5L-0.5 0.7H0.5Z", stroke: "foreground", width: 0.2 },
    { d: "M0 0L0.5 0.7H-0.5Z", fill: "foreground" },
  ],
  clock: [
    PLATE,
    { d: circle(0.72), stroke: "foreground", width: 0.18 },
    { d: "M0 -0.5V0.05L0.36 0.26", stroke: "foreground", width: 0.2 },
  ],
  // A cylinder.
  disk: [
    PLATE,
    {
      d: "M-0.6 -0.42A0.6 0.24 0 1 1 0.6 -0.42A0.6 0.24 0 1 1 -0.6 -0.42V0.42A0.6 0.24 0 0 0 0.6 0.42V-0.42",
      stroke: "foreground",
      width: 0.18,
    },
  ],
};

export function troubleGlyph(trouble: Trouble): Glyph {
  return GLYPHS[trouble];
}

/** In the order of TROUBLES, each once. */
export function troublesOf(
  { id, faults, provenLiarBy = [] }: Pick<AgentView, "id" | "faults" | "provenLiarBy">,
  active: readonly ActiveFault[],
): readonly Trouble[] {
  if (faults.length === 0 && provenLiarBy.length === 0) return [];
  const found = new Set(
    active
      .filter((fault) => faults.includes(fault.id) && fault.agents.includes(id))
      .map(({ spec }) => TROUBLE_OF[spec.kind]),
  );
  if (provenLiarBy.length > 0) found.add("liar");
  return TROUBLES.filter((trouble) => found.has(trouble));
}

const TROUBLE_OF: Partial<Readonly<Record<ActiveFault["spec"]["kind"], Trouble>>> = {
  byzantine: "liar",
  cpu: "cpu",
  clock: "clock",
  disk: "disk",
};

/** Its state, the side of a partition that it is on and its troubles in words: "follower, read-only, wrong clock". */
export function conditionName(agent: AgentView, look: AgentLook, active: readonly ActiveFault[]): string {
  const side = agent.process === "running" && agent.partition !== undefined ? sideWord(agent.partition) : "";
  return [
    stateName(agent, look),
    ...(side === "" ? [] : [side]),
    ...troublesOf(agent, active).map((trouble) => TROUBLE_NAMES[trouble]),
  ].join(", ");
}
