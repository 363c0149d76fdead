/** What an agent says of the side of a partition that it is on, in words. */
import type { PartitionReport } from "./swarm.ts";

/** whole: enough peers answer. apart: fewer than half do. readOnly: too few voters do for anything to be decided. recovering: enough do again, and it catches up. */
export const SIDE_STATES = ["whole", "apart", "readOnly", "recovering"] as const;
export type SideState = (typeof SIDE_STATES)[number];

/** Said with every answer of an agent that is cut off. */
export interface SideNote {
  readonly state: "apart" | "readOnly";
  /** When this state began, ms since the epoch by the agent's clock. */
  readonly sinceMs: number;
  /** How many members answer it, itself among them, and how many there are that have not said goodbye. */
  readonly answering: number;
  readonly known: number;
  /** Voters that answer, itself among them where it votes; how many there are; how many decide. */
  readonly voters: number;
  readonly votersTotal: number;
  readonly quorum: number;
}

/** Names beyond these are counted. */
const SHOWN_NAMES = 5;

/** "a4 and a5", "a1, a2, a3, a4, a5 and 2 more". @param total how many they are, where not all are named */
export function listed(names: readonly string[], total = names.length): string {
  const shown = names.slice(0, SHOWN_NAMES);
  if (total > SHOWN_NAMES) return `${shown.join(", ")} and ${total - shown.length} more`;
  return names.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

type Told = Pick<
  PartitionReport,
  "state" | "answering" | "answeringTotal" | "known" | "voters" | "votersTotal" | "quorum"
>;

/** A whole sentence: for whoever is refused. */
export function sideSentence(agent: string, { answering, voters, votersTotal, quorum }: Told): string {
  const others = answering.filter((id) => id !== agent);
  const who = others.length === 0 ? `${agent} is alone` : `${listed([agent, ...others])} are`;
  return `${who} on a side of a partition (or the others are down) with ${voters} of ${votersTotal} voters, and ${quorum} decide: read-only until it heals; ask an agent of the other side, or read what is here with consistency "local"`;
}

/** "read-only", "cut off", "catching up"; "" where there is nothing to say. */
export function sideWord({ state }: Pick<PartitionReport, "state">): string {
  switch (state) {
    case "readOnly":
      return "read-only";
    case "apart":
      return "cut off";
    case "recovering":
      return "catching up";
    default:
      return "";
  }
}

/** "read-only with a5: 2 of 5 voters answer, 3 decide"; for a line or a card. */
export function sideText(agent: string, told: Told): string {
  const { state, answering, answeringTotal: total = answering.length, known, voters, votersTotal, quorum } = told;
  const others = answering.filter((id) => id !== agent);
  const company = others.length === 0 ? "alone" : `with ${listed(others, total - answering.length + others.length)}`;
  switch (state) {
    case "readOnly":
      return `read-only ${company}: ${voters} of ${votersTotal} voters answer, ${quorum} decide`;
    case "apart":
      return `cut off ${company}: ${total} of ${known} members answer`;
    case "recovering":
      return `catching up: ${total} of ${known} members answer again`;
    default:
      return "whole";
  }
}

/** The same of an answer's note, which has no names. */
export function noteText({ state, answering, known, voters, votersTotal, quorum }: SideNote): string {
  return state === "readOnly"
    ? `a read-only side of a partition: ${voters} of ${votersTotal} voters answer there, ${quorum} decide`
    : `a side of a partition: ${answering} of ${known} members answer there`;
}
