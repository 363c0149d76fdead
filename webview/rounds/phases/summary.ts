/** What a row says: the batch that a place was given, who prepared and committed it, in which views it was proposed, who lied there; and how a view change went. */
import type { Phase, Place, ViewChangeRow } from "./places.ts";

export interface Lie {
  readonly culprit: string;
  /** What it signed two of. */
  readonly signed: string;
  readonly view: number;
  /** The batches, where agents told which they were given. */
  readonly digests: readonly string[];
  /** Who holds proof of it; empty while it is only seen from here. */
  readonly provenAt: readonly string[];
}

export interface PlaceSummary {
  /** In which it was decided; until then the last one in which it was proposed. */
  readonly view: number;
  /** All views in which it was proposed, rising. */
  readonly proposedIn: readonly number[];
  readonly digest: string;
  /** 0: a null request, which a new view puts where nothing was prepared. null: nobody told. */
  readonly requests: number | null;
  /** Who prepared, and who committed, this batch. Sorted. */
  readonly prepared: readonly string[];
  readonly committed: readonly string[];
  readonly lies: readonly Lie[];
  /** Every batch that was decided here: more than one is what PBFT promises never to happen with at most f liars. */
  readonly decided: readonly string[];
}

const summaries = new WeakMap<Place, { readonly told: number; readonly summary: PlaceSummary }>();

/** Made anew only when more was told: a row asks for it in every column. */
export function summaryOf(place: Place): PlaceSummary {
  const told = place.steps.length + place.proofs.length;
  const known = summaries.get(place);
  if (known?.told === told) return known.summary;
  const summary = summarize(place);
  summaries.set(place, { told, summary });
  return summary;
}

function summarize(place: Place): PlaceSummary {
  const proposals = place.steps.filter(({ kind }) => kind === "prePrepared");
  const commits = place.steps.filter(({ kind }) => kind === "committed");
  const views = place.steps.filter(({ kind }) => kind !== "committed").map(({ view }) => view);
  const proposedIn = distinct(views).sort((a, b) => a - b);
  const decided = distinct(commits.map(({ digest }) => digest));
  const executedIn = Math.min(...commits.map(({ view }) => view));
  // It was executed in this view or a later one than the one that decided it.
  const view = proposedIn.findLast((one) => one <= executedIn) ?? proposedIn.at(-1) ?? executedIn;
  const digest = decided[0] ?? mostFrequent(proposals.filter((step) => step.view === view).map((step) => step.digest));
  const told = proposals.filter((step) => step.digest === digest).map(({ requests }) => requests ?? 0);
  return {
    view,
    proposedIn,
    digest,
    requests: told.length === 0 ? null : Math.max(...told),
    prepared: agentsOf(
      place.steps.filter((step) => step.kind === "prepared" && step.view === view && isOf(step, digest, place)),
    ),
    committed: agentsOf(commits.filter((step) => step.digest === digest)),
    lies: liesOf(place),
    decided,
  };
}

/** Whether an agent prepared this batch: the one that it accepted in that view. */
function isOf(prepared: Place["steps"][number], digest: string, place: Place): boolean {
  const accepted = place.steps.find(
    ({ kind, agent, view }) => kind === "prePrepared" && agent === prepared.agent && view === prepared.view,
  );
  return accepted === undefined || accepted.digest === digest;
}

/** The phases that an agent went through at a place, in whatever view. */
export function phasesOf(place: Place, agent: string): ReadonlySet<Phase> {
  return new Set(place.steps.filter((step) => step.agent === agent).map(({ kind }) => kind));
}

/** What others hold proof of, and two batches for one place in one view: only its primary can have proposed both. */
function liesOf(place: Place): readonly Lie[] {
  const lies = new Map<string, Lie>();
  for (const { agent, culprit, signed, view } of place.proofs) {
    const key = `${culprit} ${signed} ${view}`;
    const known = lies.get(key) ?? { culprit, signed, view, digests: [], provenAt: [] };
    lies.set(key, { ...known, provenAt: distinct([...known.provenAt, agent]).sort() });
  }
  const proposals = place.steps.filter(({ kind }) => kind === "prePrepared");
  for (const view of distinct(proposals.map((step) => step.view))) {
    const there = proposals.filter((step) => step.view === view);
    const digests = distinct(there.map(({ digest }) => digest));
    if (digests.length < 2) continue;
    const culprit = there.find(({ primary }) => primary !== "")?.primary ?? "";
    const key = `${culprit} prePrepare ${view}`;
    const known = lies.get(key) ?? { culprit, signed: "prePrepare", view, digests, provenAt: [] };
    lies.set(key, { ...known, digests });
  }
  return [...lies.values()];
}

export interface ViewChangeSummary {
  readonly primary: string;
  /** Who gave up on the view before, and who entered this one. Sorted. */
  readonly gaveUp: readonly string[];
  readonly entered: readonly string[];
  /** From the first that gave up until the first that entered it; null as long as nobody did, and where it is not known who gave up. */
  readonly tookMs: number | null;
}

export function viewChangeOf({ gaveUp, entered }: ViewChangeRow): ViewChangeSummary {
  const known = gaveUp.length > 0 && entered.length > 0;
  return {
    primary: entered[0]?.primary ?? "",
    gaveUp: agentsOf(gaveUp),
    entered: agentsOf(entered),
    tookMs: known ? earliest(entered) - earliest(gaveUp) : null,
  };
}

function earliest(told: readonly { readonly atMs: number }[]): number {
  return Math.min(...told.map(({ atMs }) => atMs));
}

function agentsOf(told: readonly { readonly agent: string }[]): readonly string[] {
  return distinct(told.map(({ agent }) => agent)).sort();
}

function distinct<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}

/** The first of those that occur most; "" of none. */
function mostFrequent(items: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), ["", 0])[0];
}
