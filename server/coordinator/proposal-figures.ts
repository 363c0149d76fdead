import type { MetricsView } from "../contract/metrics.ts";
import type { ProposalView } from "../contract/proposals.ts";
import { SHOWN_PROPOSALS } from "./ledgers.ts";
import { median } from "./statistics.ts";

const OUTCOMES = ["approved", "rejected", "expired"] as const;

/** How proposals ended, by their own times. Nothing where none did. */
export function proposalFigures(
  proposals: readonly Pick<ProposalView, "state" | "submittedAtMs" | "decidedAtMs">[],
): MetricsView["summary"] {
  const of = `Of the newest ${SHOWN_PROPOSALS}`;
  const counts = OUTCOMES.map((outcome) => ({
    name: `Proposals ${outcome}`,
    value: proposals.filter(({ state }) => state === outcome).length,
    unit: "",
    meaning: `${of}.`,
  }));
  if (counts.every(({ value }) => value === 0)) return [];
  const timesMs = proposals.flatMap(({ state, submittedAtMs, decidedAtMs }) =>
    (state === "approved" || state === "rejected") && decidedAtMs !== null ? [decidedAtMs - submittedAtMs] : [],
  );
  const time = {
    name: "Time to decide, median",
    value: median(timesMs),
    unit: "ms",
    meaning: `${of}, those that votes decided: from the entry that put it to the vote to the entry that decided it, by the time that the entries carry.`,
  };
  return [...counts, time];
}
