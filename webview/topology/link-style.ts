/** How a link looks: width = traffic, dashes = loss, broken in the middle = cut. */
import type { LinkView } from "../../server/contract/swarm.ts";
import type { Ink } from "../theme.ts";

export interface LinkStyle {
  /** Picture units. */
  readonly width: number;
  readonly dashes: false | readonly number[];
  readonly ink: Ink;
  readonly opacity: number;
}

/** Beyond this many links a picture is read as a texture: each is drawn thin and light. */
const DENSE_FROM = 300;
const MANY_FROM = 40;

/** `emphasised`: the link, or one of its agents, is selected. `linkCount`: how many are drawn in all. */
export function linkStyle(link: LinkView, emphasised: boolean, linkCount: number): LinkStyle {
  const dense = linkCount > DENSE_FROM;
  const share = dense ? 0.6 : linkCount > MANY_FROM ? 0.75 : 1;
  const width = trafficWidth(link.framesPerSecond) * share + (emphasised ? 1 : 0);
  if (link.state === "cut") return { width: Math.max(2, width), dashes: false, ink: "red", opacity: 1 };
  if (link.state === "down") return { width: 1, dashes: [2, 6], ink: "muted", opacity: dense ? 0.35 : 0.8 };
  const ink = emphasised ? "focus" : isTroubled(link) ? "orange" : "muted";
  const opacity = emphasised || ink === "orange" ? 1 : dense ? 0.45 : linkCount > MANY_FROM ? 0.5 : 0.62;
  return { width, dashes: lossDashes(link.loss), ink, opacity };
}

/** A fault is on the link, or does something to its frames. */
export function isTroubled({ loss, delayed, corrupted, faults }: LinkView): boolean {
  return loss > 0 || delayed > 0 || corrupted > 0 || faults.length > 0;
}

/** From 1.2 for a silent link, one more for each tenfold of its frames a second; in halves, so that it changes seldom. */
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

/** One way of a link. */
export function wayName(from: string, to: string): string {
  return `${from} \u2192 ${to}`;
}

/** A link's name, the same from both ends. */
export function linkId(link: { readonly a: string; readonly b: string }): string {
  return `${link.a}\u2013${link.b}`;
}
