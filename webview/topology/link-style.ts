/** How a link looks: width = traffic, faint = broadcasts are only announced over it, dashes = loss, colour = whether it is slow, loses frames or has faults, broken in the middle = cut. */
import type { LinkView } from "../../server/contract/swarm.ts";
import type { Ink } from "../theme.ts";

export interface LinkStyle {
  /** CSS pixels at scale 1. */
  readonly width: number;
  readonly dashes: false | readonly number[];
  readonly ink: Ink;
  readonly opacity: number;
}

/** What a link's look depends on besides itself. */
export interface LinkSurroundings {
  /** How many are drawn in all. */
  readonly drawn: number;
  /** The median latency of those that are up, ms; null where none is known. */
  readonly usualMs: number | null;
  /** No line may be faint. */
  readonly highContrast: boolean;
  /** The ways of a rumour are to be seen above all. */
  readonly spreads: boolean;
}

/** Beyond this many links a picture is read as a texture: each is drawn thin and light. */
const DENSE_FROM = 300;
const MANY_FROM = 40;
/** From this share on a link is drawn as one that hardly works. */
const HEAVY_LOSS = 0.3;
/** So many times the usual latency is slow, but never what is not this much longer, ms. */
const SLOW_TIMES = 3;
const SLOW_BEYOND_MS = 5;

/** `emphasised`: the link, or one of its agents, is selected. */
export function linkStyle(link: LinkView, emphasised: boolean, around: LinkSurroundings): LinkStyle {
  const dense = around.drawn > DENSE_FROM;
  const many = around.drawn > MANY_FROM;
  const share = dense ? 0.6 : many ? 0.75 : 1;
  const width = trafficWidth(link.framesPerSecond) * share + (emphasised ? 1 : 0);
  const faint = (opacity: number): number =>
    (around.highContrast ? 0.5 + opacity / 2 : opacity) * (around.spreads ? 0.5 : 1);
  if (link.state === "cut") return { width: Math.max(2, width), dashes: false, ink: "red", opacity: 1 };
  if (link.state === "down") return { width: 1, dashes: [2, 6], ink: "muted", opacity: faint(dense ? 0.35 : 0.8) };
  const wrong = link.loss >= HEAVY_LOSS ? "red" : isTroubled(link) || isSlow(link, around) ? "orange" : null;
  const ink = wrong ?? (emphasised ? "focus" : "muted");
  // What only announces broadcasts stands back behind the tree.
  const usual = (dense ? 0.45 : many ? 0.5 : 0.62) * (link.tree === false ? 0.55 : 1);
  const opacity = emphasised || wrong !== null ? 1 : faint(usual);
  return { width: wrong === null ? width : Math.max(1.5, width), dashes: lossDashes(link.loss), ink, opacity };
}

/** A fault is on the link, or does something to its frames. */
export function isTroubled({ loss, delayed, corrupted, faults }: LinkView): boolean {
  return loss > 0 || delayed > 0 || corrupted > 0 || faults.length > 0;
}

/** It takes much longer than most do. */
export function isSlow({ latencyP50Ms }: LinkView, { usualMs }: Pick<LinkSurroundings, "usualMs">): boolean {
  if (latencyP50Ms === null || usualMs === null) return false;
  return latencyP50Ms >= SLOW_TIMES * usualMs && latencyP50Ms >= usualMs + SLOW_BEYOND_MS;
}

/** The median latency of links that are up, ms; null where none is known. */
export function usualLatencyMs(links: Iterable<LinkView>): number | null {
  const known: number[] = [];
  for (const { state, latencyP50Ms } of links) if (state === "up" && latencyP50Ms !== null) known.push(latencyP50Ms);
  known.sort((a, b) => a - b);
  return known[Math.floor((known.length - 1) / 2)] ?? null;
}

/** From 1 for a silent link, one more for each tenfold of its frames a second; in halves, so that it changes seldom. */
export function trafficWidth(framesPerSecond: number): number {
  return 1 + Math.round(2 * Math.log10(1 + framesPerSecond)) / 2;
}

/** Gaps as long a share of the line as frames are lost. */
export function lossDashes(loss: number): false | readonly number[] {
  if (loss <= 0) return false;
  const lost = Math.min(0.85, Math.max(0.2, Math.round(loss * 10) / 10));
  const period = 14;
  return [period * (1 - lost), period * lost];
}

/** On which of its ways faults befall what is sent: "both ways", "a1 → a2", or "" for none. */
export function hitWays({ a, b, faultsOut, faultsIn }: LinkView): string {
  if (faultsOut.length > 0 && faultsIn.length > 0) return "both ways";
  if (faultsOut.length > 0) return wayName(a, b);
  return faultsIn.length > 0 ? wayName(b, a) : "";
}

/** How broadcasts go over a link; empty where none do. */
export function treeText({ tree }: LinkView): string {
  if (tree === undefined) return "";
  return tree ? "pushed (tree)" : "announced";
}

/** One way of a link. */
export function wayName(from: string, to: string): string {
  return `${from} \u2192 ${to}`;
}

/** A link's name, the same from both ends. */
export function linkId(link: { readonly a: string; readonly b: string }): string {
  return `${link.a}\u2013${link.b}`;
}
