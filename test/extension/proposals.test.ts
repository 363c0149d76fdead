import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";
import type { Asker } from "../../extension/commands/asking.ts";
import {
  askProposal,
  emptyDraft,
  idOf,
  jsonProblem,
  MAX_SUBJECT_BYTES,
  MAX_TIMEOUT_MS,
  type OpenText,
  type ProposalDraft,
} from "../../extension/commands/proposal-questions.ts";
import { proposalDocument } from "../../extension/commands/proposal-text.ts";
import { type DecisionSource, Decisions } from "../../extension/decisions.ts";
import { isProvable, newestFirst, outcomeText, proposalFace, voteFace } from "../../extension/views/proposal-faces.ts";
import type { CoordinatorNotifications } from "../../server/contract/coordinator.ts";
import { PROPOSAL_STATES, type ProposalView, type VoteInfo } from "../../server/contract/proposals.ts";
import * as limits from "../../server/core/proposals/limits.ts";
import { makeSwarm } from "../webview/harness/swarm-data.ts";
import { Scripted } from "./harness/scripted.ts";

const SWARM = makeSwarm({ agents: 5, learners: 1 });

const ask = (asker: Asker, open: readonly OpenText[] = [], draft: ProposalDraft = emptyDraft()) =>
  askProposal(asker, SWARM, open, draft);

const vote = (voter: string, choice: VoteInfo["choice"] = "approve", reason = ""): VoteInfo => ({
  voter,
  choice,
  reason,
  atMs: 2400,
});

const view = (change: Partial<ProposalView> = {}): ProposalView => ({
  id: "proposal-1",
  subject: "deploy 1.4",
  voters: ["a1", "a2", "a3", "a4"],
  threshold: 0.67,
  needed: 3,
  timeoutMs: 30_000,
  state: "open",
  submittedAtMs: 2000,
  deadlineMs: 32_000,
  decidedAtMs: null,
  votes: [],
  ...change,
});

describe("Propose", () => {
  it("asks for the subject, the JSON, the voters, the threshold and the time, and leaves to the swarm what is left empty", async () => {
    const asker = new Scripted([], ["deploy 1.4 ", '{"version": "1.4"}']);
    assert.deepEqual(await ask(asker), { subject: "deploy 1.4", body: '{"version": "1.4"}' });
    assert.deepEqual(asker.titles, [
      "Propose to first-swarm: what is it about?",
      "Propose: the JSON to decide on",
      "Propose: who votes?",
      "Propose: which share of the voters must approve?",
      "Propose: how long may they take?",
    ]);
    assert.deepEqual(asker.refused, []);
  });

  it("takes some of the members, a threshold and a time", async () => {
    const offered: string[] = [];
    const asker = new Scripted([/Some of them/], ["deploy", "[1]", "0.75", "1.5s"]);
    const pickMany = asker.pickMany.bind(asker);
    asker.pickMany = (title, choices) => {
      offered.push(...choices.map(({ label }) => label));
      return pickMany(title, choices);
    };
    assert.deepEqual(await ask(asker), {
      subject: "deploy",
      body: "[1]",
      voters: ["a1", "a2"],
      threshold: 0.75,
      timeoutMs: 1500,
    });
    assert.deepEqual(offered, ["a1", "a2", "a3", "a4", "a5"], "a learner votes where it is named");
  });

  it("says what is no JSON while it is typed, and how a text is written", async () => {
    const asker = new Scripted([], ["deploy", "1.4 now", "ship it", "{'a': 1}", '"ship it"']);
    assert.equal((await ask(asker))?.body, '"ship it"');
    const [number = "", words = "", quotes = ""] = asker.refused;
    assert.match(number, /^This is no JSON: /);
    assert.match(words, /^This is no JSON: .*\. A text is written in quotation marks: "ship it"\.$/);
    assert.match(quotes, /^This is no JSON: .*position 1/);
    assert.equal(asker.refused.length, 3);
    assert.match(jsonProblem("") ?? "", /^There is no JSON yet/);
    for (const json of ['{"a": [1, null]}', "[]", '"x"', "0.5", "true", "null", " {} "])
      assert.equal(jsonProblem(json), undefined, json);
  });

  it("refuses a threshold that half could reach, more than all, or too fine, and what is no duration", async () => {
    const thresholds = ["0.5", "0.4", "1.01", "2", "0.66667", "two thirds", "67 %"];
    const asker = new Scripted([], ["deploy", "1", ...thresholds, "0.6667", "soon", "0s", "30", "169h", "30s"]);
    const proposal = await ask(asker);
    assert.deepEqual([proposal?.threshold, proposal?.timeoutMs], [0.6667, 30_000]);
    assert.equal(asker.refused.filter((said) => said.startsWith("A number above 0.5")).length, thresholds.length);
    assert.equal(asker.refused.filter((said) => said.startsWith("A duration such as")).length, 3);
    assert.deepEqual(asker.refused.slice(-1), ["A week at most."]);
    assert.deepEqual(
      [MAX_SUBJECT_BYTES, MAX_TIMEOUT_MS],
      [limits.MAX_SUBJECT_BYTES, limits.MAX_PROPOSAL_TIMEOUT_MS],
      "as the swarm has them",
    );
  });

  it("takes the JSON that is open, or what is selected in it, and says which of it is none", async () => {
    const open = [
      { name: "the selection in a.json", text: '"version": 1' },
      { name: "a.json", text: '{"version": 1}' },
    ];
    assert.equal((await ask(new Scripted([/A\.json$/], ["deploy"]), open))?.body, '{"version": 1}');
    await assert.rejects(
      ask(new Scripted([/selection/], ["deploy"]), open),
      /^Error: The selection in a\.json cannot be put to the vote\. This is no JSON: /,
    );
    const typed = await ask(new Scripted([/Type it/], ["deploy", "7"]), open);
    assert.equal(typed?.body, "7");
  });

  it("loses nothing that was typed when the person gives up at any step", async () => {
    const answers = ["deploy 1.4", '{"version": 1}', "0.8", "5s"];
    const wanted = await ask(new Scripted([], answers));
    for (let step = 0; step < answers.length; step++) {
      const draft = emptyDraft();
      // Typed, and then given up.
      let asked = 0;
      const leaves: Asker = {
        pick: async (_, choices) => choices.flatMap((choice) => ("value" in choice ? [choice.value] : []))[0],
        pickMany: async () => undefined,
        text: async ({ check }) => {
          const answer = answers[asked] as string;
          await check(answer);
          return asked++ === step ? undefined : answer;
        },
      };
      assert.equal(await ask(leaves, [], draft), undefined);
      const again = new Scripted([], []);
      const filled: Asker = {
        pick: again.pick.bind(again),
        pickMany: again.pickMany.bind(again),
        text: async ({ value, check }) => {
          const at = answers.indexOf(value);
          if (at < 0 && value !== "") assert.fail(`${value} was never typed`);
          await check(value);
          return value;
        },
      };
      const proposal = await ask(filled, [], draft);
      if (step === answers.length - 1) assert.deepEqual(proposal, wanted);
      assert.equal(proposal?.subject, answers[0]);
      assert.equal(proposal?.body, step === 0 ? "" : answers[1]);
    }
  });

  it("has the same id when it is sent again as it was, and another when anything of it is another", () => {
    const draft = emptyDraft();
    const first = idOf(draft, { subject: "deploy", body: "1" });
    assert.match(first, /^proposal-[0-9a-f]{8}$/);
    assert.equal(idOf(draft, { subject: "deploy", body: "1" }), first);
    assert.notEqual(idOf(draft, { subject: "deploy", body: "1", threshold: 1 }), first);
    assert.notEqual(idOf(emptyDraft(), { subject: "deploy", body: "1" }), first);
  });

  it("keeps the voters that were picked for the next time", async () => {
    const draft = emptyDraft();
    await ask(new Scripted([/Some of them/], ["deploy", "1", "9"]), [], draft);
    const marked: string[] = [];
    const asker = new Scripted([/Some of them/], ["deploy", "1"]);
    asker.pickMany = async (_, choices) => {
      marked.push(...choices.filter(({ picked }) => picked).map(({ label }) => label));
      return undefined;
    };
    assert.equal(await ask(asker, [], draft), undefined);
    assert.deepEqual(marked, ["a1", "a2"]);
  });
});

describe("a decision that this window asked for", () => {
  class Source implements DecisionSource {
    listener: (decided: CoordinatorNotifications["proposalDecided"]) => void = () => {};
    on(_: "proposalDecided", listener: Source["listener"]) {
      this.listener = listener;
      return { dispose: () => {} };
    }
  }

  it("is told once, and no other is", () => {
    const source = new Source();
    const told: string[] = [];
    const decisions = new Decisions(source, ({ swarm, proposal }) => told.push(`${swarm}/${proposal.id}`));
    const decide = (swarm: string, id: string) => source.listener({ swarm, proposal: view({ id, state: "approved" }) });
    decisions.expect("s", "mine");
    decisions.expect("s", "failed");
    decisions.forget("s", "failed");
    for (const id of ["theirs", "mine", "mine", "failed"]) decide("s", id);
    decide("other", "mine");
    assert.deepEqual(told, ["s/mine"]);
  });
});

describe("the proposals tree", () => {
  const approved = view({
    state: "approved",
    decidedAtMs: 2450,
    votes: [vote("a1"), vote("a3", "reject", "no tests"), vote("a2"), vote("a4")],
  });

  it("shows the newest first", () => {
    const ids = newestFirst([view({ id: "p1", submittedAtMs: 1 }), view({ id: "p3", submittedAtMs: 3 }), view()]);
    assert.deepEqual(
      ids.map(({ id }) => id),
      ["proposal-1", "p3", "p1"],
    );
  });

  it("tells how many approve and how many it takes", () => {
    assert.equal(proposalFace(view()).description, "0 of 4 approve · 3 needed");
    assert.equal(proposalFace(view({ votes: [vote("a1")] })).description, "1 of 4 approves · 3 needed");
    assert.equal(proposalFace(approved).description, "3 of 4 approve, 1 rejects · 3 needed");
    assert.equal(proposalFace(view({ state: "expired" })).description, "expired · 0 of 4 approve · 3 needed");
    assert.equal(proposalFace(approved).label, "deploy 1.4");
    assert.equal(proposalFace(view({ subject: "" })).label, "proposal-1");
  });

  it("tells the states apart by shape and by colour, and to those who see neither", () => {
    const faces = PROPOSAL_STATES.map((state) =>
      proposalFace(view({ state, decidedAtMs: state === "open" ? null : 9 })),
    );
    for (const told of ["icon", "colour", "context"] as const)
      assert.equal(new Set(faces.map((face) => face[told])).size, PROPOSAL_STATES.length, told);
    for (const [at, { spoken }] of faces.entries()) assert.ok(spoken.includes(PROPOSAL_STATES[at] as string), spoken);
  });

  it("says when, and by which rule", () => {
    const { tooltip } = proposalFace(approved);
    assert.match(tooltip, /^deploy 1\.4\nproposal-1: approved\n/);
    assert.match(tooltip, /Rule: 0\.67 of 4 voters, so 3 must approve/);
    assert.match(tooltip, /Put to the vote: \S.*\nDecided: \S.*, after 0\.5 s$/);
    assert.match(proposalFace(view()).tooltip, /Expires: /);
    assert.match(proposalFace(view({ state: "expired", decidedAtMs: 32_000 })).tooltip, /Expired: .*, after 30\.0 s$/);
  });

  it("has a line for each voter: what it said and why, or that it has not voted", () => {
    const said = (proposal: ProposalView) => proposal.voters.map((voter) => voteFace(proposal, voter).description);
    assert.deepEqual(said(approved), ["approves", "approves", "rejects: no tests", "approves"]);
    assert.deepEqual(said(view({ votes: [vote("a2")] })), [
      "has not voted",
      "approves",
      "has not voted",
      "has not voted",
    ]);
    assert.equal(voteFace(view({ state: "expired" }), "a1").description, "did not vote");
    const icons = [voteFace(approved, "a1"), voteFace(approved, "a3"), voteFace(view(), "a1")].map(({ icon }) => icon);
    assert.equal(new Set(icons).size, 3);
  });

  it("offers a certificate of what is decided by votes, and of nothing else", () => {
    const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
      readonly contributes: {
        readonly menus: Readonly<Record<string, readonly { readonly command: string; readonly when: string }[]>>;
      };
    };
    const menu = (context: string): readonly string[] =>
      (manifest.contributes.menus["view/item/context"] ?? []).flatMap(({ command, when }) => {
        const pattern = /^view == agentMesh\.proposals && viewItem =~ \/(.*)\/$/.exec(when)?.[1];
        return pattern !== undefined && new RegExp(pattern).test(context) ? [command] : [];
      });
    for (const state of PROPOSAL_STATES) {
      const proposal = view({ state });
      const offered = menu(proposalFace(proposal).context);
      assert.ok(offered.includes("agentMesh.showProposal"), state);
      for (const command of ["agentMesh.copyCertificate", "agentMesh.saveCertificate"])
        assert.equal(offered.includes(command), isProvable(proposal), `${command}: ${state}`);
    }
    assert.deepEqual(menu(voteFace(approved, "a1").context), []);
  });

  it("is followed by a message that says what came of it", () => {
    assert.equal(outcomeText(approved), "“deploy 1.4” is approved: 3 of 4 approve, 1 rejects; 3 needed.");
    assert.equal(outcomeText(view({ state: "expired" })), "“deploy 1.4” has expired: 0 of 4 approve; 3 needed.");
  });
});

describe("a proposal as a document", () => {
  it("has its JSON as JSON, every vote with its signature, and who has not voted", () => {
    const { votes: _, ...rest } = view({ state: "approved", decidedAtMs: 2450 });
    const text = proposalDocument({
      ...rest,
      body: '{"version":"1.4"}',
      votes: [{ ...vote("a1", "reject", "no tests"), signature: "0a" }],
    });
    const shown = JSON.parse(text) as Readonly<Record<string, unknown>>;
    assert.deepEqual(shown.body, { version: "1.4" });
    assert.deepEqual(shown.votes, [
      { voter: "a1", choice: "reject", reason: "no tests", at: "1970-01-01T00:00:02.400Z", signature: "0a" },
    ]);
    assert.deepEqual(shown.notVoted, ["a2", "a3", "a4"]);
    assert.deepEqual(shown.rule, { voters: ["a1", "a2", "a3", "a4"], threshold: 0.67, needed: 3, timeoutMs: 30_000 });
    assert.equal(shown.decidedAt, "1970-01-01T00:00:02.450Z");
  });
});
