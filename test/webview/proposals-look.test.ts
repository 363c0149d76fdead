import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { CONSENSUS_KINDS } from "../../server/contract/consensus.ts";
import { EVENT_KINDS, type Fields, type TimelineEvent } from "../../server/contract/timeline.ts";
import type { Glyph } from "../../webview/glyphs.ts";
import {
  describe as describeEvent,
  GROUPS,
  groupOf,
  groupsOf,
  hiddenKinds,
  kindName,
} from "../../webview/rounds/kinds.ts";
import { markOf, markOfKind } from "../../webview/rounds/marks.ts";
import { PROPOSAL_KINDS, PROPOSAL_LEGEND, type ProposalEventKind } from "../../webview/rounds/proposal-marks.ts";

const told = (kind: ProposalEventKind, fields: Fields = {}): TimelineEvent => ({
  id: "a1.1:1",
  agent: "a1",
  hlc: { wallMs: 0, counter: 0 },
  kind,
  fields,
});

/** Everything that can happen to a proposal. */
const ALL: readonly TimelineEvent[] = [
  told("proposalSubmitted"),
  told("voteSigned", { choice: "approve" }),
  told("voteSigned", { choice: "reject" }),
  told("voteCast", { choice: "approve" }),
  told("voteCast", { choice: "reject" }),
  told("voteNotTaken"),
  told("proposalDecided", { state: "approved" }),
  told("proposalDecided", { state: "rejected" }),
  told("proposalDecided", { state: "expired" }),
];

/** What of a glyph is seen without its colours. */
const shapeOf = (glyph: Glyph = []): string =>
  JSON.stringify(glyph.map(({ d, fill, stroke, dash }) => [d, fill === "background", stroke === undefined, dash]));

/** How far a glyph reaches from its middle, as its paths' numbers tell; an arc's flags are none of them. */
const reachOf = (glyph: Glyph = []): number => {
  const numbers = glyph.flatMap(({ d }) => d.replaceAll(/ 0 [01] [01] /g, " ").match(/-?\d+(\.\d+)?/g) ?? []);
  return Math.max(...numbers.map((number) => Math.abs(Number(number))));
};

describe("proposals in the rounds view", () => {
  it("have a mark for each thing that can happen, told apart from every other without colours", () => {
    const seen = new Map<string, string>();
    for (const kind of EVENT_KINDS)
      if (!PROPOSAL_KINDS.some((one) => one === kind)) seen.set(shapeOf(markOfKind(kind)?.glyph), kind);
    for (const event of ALL) {
      const shape = shapeOf(markOf(event)?.glyph);
      const name = `${event.kind} ${JSON.stringify(event.fields)}`;
      assert.equal(seen.get(shape), undefined, `${name} looks like ${seen.get(shape)}`);
      seen.set(shape, name);
    }
  });

  it("draw a vote strongly where it is signed, and small where others count it", () => {
    for (const choice of ["approve", "reject"]) {
      const [signed, cast] = [markOf(told("voteSigned", { choice })), markOf(told("voteCast", { choice }))];
      assert.ok(reachOf(cast?.glyph) < 0.6 * reachOf(signed?.glyph), choice);
      assert.ok((cast?.rank ?? 0) < (signed?.rank ?? 0), choice);
    }
  });

  it("are all in the legend, each once", () => {
    assert.deepEqual(
      PROPOSAL_LEGEND.map(({ glyph }) => shapeOf(glyph)).sort(),
      ALL.map((event) => shapeOf(markOf(event)?.glyph)).sort(),
    );
    assert.equal(new Set(PROPOSAL_LEGEND.map(({ label }) => label)).size, ALL.length);
  });

  it("are a group of their own that can be switched off, in every kind of consensus by a name that nothing else has", () => {
    const group = GROUPS.find(({ id }) => id === "proposals");
    assert.deepEqual(group?.name, { raft: "Proposals", pbft: "Proposals", gossip: "Proposals" });
    for (const kind of PROPOSAL_KINDS) {
      assert.equal(groupOf(kind), "proposals");
      assert.ok(kindName(kind).length > 2);
    }
    assert.deepEqual(hiddenKinds(["proposals"]), PROPOSAL_KINDS);
    for (const consensus of CONSENSUS_KINDS) {
      const names = groupsOf(consensus).map(({ name }) => name);
      assert.equal(names.filter((name) => name.startsWith("Proposals")).length, 1, names.join(", "));
    }
  });

  it("are told in sentences that name the proposal, who voted, what and why", () => {
    const said = (kind: ProposalEventKind, fields: Fields): string => describeEvent(told(kind, fields));
    assert.equal(
      said("proposalSubmitted", { proposal: "p1", subject: "deploy 1.4", voters: ["a1", "a2"], needed: 2, untilMs: 9 }),
      "proposal submitted (p1: “deploy 1.4”, 2 voters, 2 needed)",
    );
    assert.equal(said("voteSigned", { proposal: "p1", choice: "approve", reason: "" }), "vote signed (approves p1)");
    assert.equal(
      said("voteSigned", { proposal: "p1", choice: "reject", reason: "no tests" }),
      "vote signed (rejects p1: no tests)",
    );
    assert.equal(
      said("voteCast", { proposal: "p1", voter: "a3", choice: "reject", reason: "no tests" }),
      "vote cast (a3 rejects p1: no tests)",
    );
    assert.equal(
      said("voteNotTaken", { proposal: "p1", voter: "a3", reason: "votedAlready" }),
      "vote not taken (a3 on p1: it has voted already)",
    );
    assert.equal(
      said("proposalDecided", { proposal: "p1", state: "approved", approvals: 3, rejections: 1, needed: 3 }),
      "proposal decided (p1 approved: 3 for, 1 against, 3 needed)",
    );
    // Whatever is told, also by a newer agent, is shown and not a crash.
    for (const kind of PROPOSAL_KINDS) assert.ok(said(kind, {}).startsWith(kindName(kind)), kind);
  });
});
