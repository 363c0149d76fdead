/**
 * How the life of a proposal is drawn: a ballot box when it is put to the vote, a full disc where a voter signs (a tick approves, a cross rejects), a speck where an agent
 * counts that vote, above its line for an approval and below it for a rejection, and a seal when it is decided. What they came to is in the events' fields, so one kind has several marks.
 */
import type { EventKind, TimelineEvent } from "../../server/contract/timeline.ts";
import { circle, type Glyph, saltire, star } from "../glyphs.ts";
import { CROSS, crossed, filled, type Mark, outlined, TICK } from "./mark-shapes.ts";

const DISC = circle(0.92);
const SEAL = star(8, 1.48, 1.12);
const SPECK = circle(0.36);
const BALLOT = "M-0.15 -1.35L0.75 -1.05L0.35 0L-0.5 0Z";
const BOX = "M-1 0.05H1V1.1H-1Z";

const SUBMITTED: Glyph = [...filled(BALLOT, "blue"), ...filled(BOX, "blue")];

const RANK = { submitted: 6, signed: 7, counted: 4, notTaken: 5, decided: 9 };
/** Clear of whatever is on the line: votes are counted in the moment in which they are committed, and the last one in that of the decision. */
const ASIDE = 1.8;

const MARKS = {
  submitted: { glyph: SUBMITTED, rank: RANK.submitted },
  approves: { glyph: crossed(filled(DISC, "green"), TICK, "background"), rank: RANK.signed },
  rejects: { glyph: crossed(filled(DISC, "red"), CROSS, "background"), rank: RANK.signed },
  countedFor: { glyph: filled(SPECK, "green"), rank: RANK.counted, aside: -ASIDE },
  countedAgainst: { glyph: [{ d: saltire(0.5, 0.14), fill: "red" }], rank: RANK.counted, aside: ASIDE },
  notTaken: { glyph: crossed(outlined(circle(0.7), "orange"), "M-0.7 0H0.7", "orange"), rank: RANK.notTaken },
  approved: { glyph: crossed(filled(SEAL, "green"), TICK, "background"), rank: RANK.decided },
  rejected: { glyph: crossed(filled(SEAL, "red"), CROSS, "background"), rank: RANK.decided },
  expired: { glyph: crossed(outlined(SEAL, "orange"), "M0 -0.5V0.05L0.34 0.3", "orange"), rank: RANK.decided },
} as const satisfies Readonly<Record<string, Mark>>;

export const PROPOSAL_KINDS = [
  "proposalSubmitted",
  "voteSigned",
  "voteCast",
  "voteNotTaken",
  "proposalDecided",
] as const satisfies readonly EventKind[];
export type ProposalEventKind = (typeof PROPOSAL_KINDS)[number];

/** Of the kind alone, where it is not known what the event came to. */
export const PROPOSAL_MARKS: Readonly<Record<ProposalEventKind, Mark>> = {
  proposalSubmitted: MARKS.submitted,
  voteSigned: MARKS.approves,
  voteCast: MARKS.countedFor,
  voteNotTaken: MARKS.notTaken,
  proposalDecided: MARKS.approved,
};

/** Of an event whose fields decide how it looks. */
export function markByFields({ kind, fields }: Pick<TimelineEvent, "kind" | "fields">): Mark | undefined {
  if (kind === "voteSigned" && fields.choice === "reject") return MARKS.rejects;
  if (kind === "voteCast" && fields.choice === "reject") return MARKS.countedAgainst;
  if (kind !== "proposalDecided") return undefined;
  if (fields.state === "rejected") return MARKS.rejected;
  return fields.state === "expired" ? MARKS.expired : undefined;
}

/** For the legend. */
export const PROPOSAL_LEGEND: readonly { readonly glyph: Glyph; readonly label: string }[] = [
  { glyph: MARKS.submitted.glyph, label: "put to the vote" },
  { glyph: MARKS.approves.glyph, label: "signs: approve" },
  { glyph: MARKS.rejects.glyph, label: "signs: reject" },
  { glyph: MARKS.countedFor.glyph, label: "counts an approval (above)" },
  { glyph: MARKS.countedAgainst.glyph, label: "counts a rejection (below)" },
  { glyph: MARKS.notTaken.glyph, label: "vote not taken" },
  { glyph: MARKS.approved.glyph, label: "approved" },
  { glyph: MARKS.rejected.glyph, label: "rejected" },
  { glyph: MARKS.expired.glyph, label: "expired" },
];
