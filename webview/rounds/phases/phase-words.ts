/** The rows in words: for tooltips, screen readers and the details of an event. */
import { formatClock, formatDuration, plural } from "../../format.ts";
import { kindName, messageName, signedTwo, whyGivenUp } from "../kinds.ts";
import { type PhaseRow, type Place, type Told, toldOf, type ViewChangeRow } from "./places.ts";
import type { Lie, PlaceSummary, ViewChangeSummary } from "./summary.ts";

/** Enough of a digest to tell it from others. */
const DIGEST_DIGITS = 8;

export function shortDigest(digest: string): string {
  return digest.slice(0, DIGEST_DIGITS);
}

/** "2 of 3": how many of those that are needed; whoever comes after them is not counted. */
function ofNeeded(agents: readonly string[], needed: number): string {
  return `${Math.min(agents.length, needed)} of ${needed}`;
}

export function quorumWords({ prepared, committed }: PlaceSummary, quorum: number): string {
  return `prepared ${ofNeeded(prepared, quorum)} · committed ${ofNeeded(committed, quorum)}`;
}

/** Who is behind the numbers. */
export function quorumTitle({ prepared, committed, view }: PlaceSummary, quorum: number): string {
  return `Prepared in view ${view} at ${names(prepared)}; committed at ${names(committed)}. ${quorum} agents make a quorum.`;
}

export function requestsWords(requests: number | null): string {
  if (requests === null) return "–";
  return requests === 0 ? "none" : String(requests);
}

/** "proposed again in view 2"; "" for what was proposed once. */
export function againWords({ proposedIn, decided, view }: PlaceSummary): string {
  const later = proposedIn.slice(1);
  if (later.length === 0) return "";
  const after = decided.length > 0 && view < later[0]! ? ", after it was decided" : "";
  return `proposed again in ${later.length === 1 ? "view" : "views"} ${later.join(", ")}${after}`;
}

/** In a row, which says the sequence number. */
export function lieWords({ culprit, signed, view, digests, provenAt }: Lie): string {
  const who = culprit === "" ? "the primary" : culprit;
  const ofView = signed === "checkpoint" ? "" : ` in view ${view}`;
  const which = digests.length < 2 ? "" : ` (${digests.map(shortDigest).join(" and ")})`;
  const proof = provenAt.length === 0 ? "" : `; proof at ${provenAt.join(", ")}`;
  return `${who} signed two ${messageName(signed)}s${ofView}${which}${proof}`;
}

/** More liars than the swarm can bear. */
export function divergenceWords(decided: readonly string[]): string {
  return decided.length < 2
    ? ""
    : `${plural(decided.length, "batch", "batches")} decided here (${decided.map(shortDigest).join(" and ")}): agreement is broken`;
}

export function viewChangeWords({ primary, gaveUp, tookMs }: ViewChangeSummary): string {
  const who = gaveUp.length === 0 ? "who gave up is not told" : `${gaveUp.join(", ")} gave up`;
  const how = primary === "" ? "has not begun" : `primary ${primary}`;
  return tookMs === null ? `${how} · ${who}` : `${how} · ${who} · took ${formatDuration(tookMs)}`;
}

/** What one agent did at a place or in a view change, step by step. */
export function cellTitle(row: PhaseRow, agent: string): string {
  const told = toldOf(row).filter((one) => one.agent === agent);
  const first = told[0];
  if (first === undefined) return `${agent}: nothing told`;
  const steps = told.map((one, i) => {
    const when = i === 0 ? formatClock(one.atMs) : `+${formatDuration(one.atMs - first.atMs)}`;
    return `${toldWords(row, one)} (${when})`;
  });
  return `${agent}: ${steps.join(", ")}`;
}

/** What was told, without who told it: the row says the rest. */
export function toldWords(row: PhaseRow, told: Told): string {
  return row.kind === "place" ? placeWords(row, told) : viewWords(row, told);
}

function placeWords(place: Place, { id, kind, view }: Told): string {
  const proof = place.proofs.find((one) => one.id === id);
  if (proof !== undefined) return `holds proof: ${signedTwo(proof.culprit, proof.signed, view, place.seq)}`;
  const digest = place.steps.find((step) => step.id === id)?.digest ?? "";
  // Which batch it was matters only where there were several.
  const several = place.steps.some((step) => step.digest !== "" && step.digest !== digest);
  return `${kindName(kind)} in view ${view}${several && digest !== "" ? `: ${shortDigest(digest)}` : ""}`;
}

function viewWords(row: ViewChangeRow, { id, kind }: Told): string {
  const gaveUp = row.gaveUp.find((one) => one.id === id);
  return gaveUp === undefined ? kindName(kind) : `gave up: ${whyGivenUp(gaveUp.reason)}`;
}

function names(agents: readonly string[]): string {
  return agents.length === 0 ? "none" : agents.join(", ");
}
