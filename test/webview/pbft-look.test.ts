import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { CONSENSUS } from "../../server/contract/consensus.ts";
import type { AgentView } from "../../server/contract/swarm.ts";
import { EVENT_KINDS, type EventKind, type Fields, type TimelineEvent } from "../../server/contract/timeline.ts";
import { agentGlyph, type Glyph, lookOf, stateName } from "../../webview/glyphs.ts";
import { describe as describeEvent, groupsOf, kindName } from "../../webview/rounds/kinds.ts";
import { isFilled, LANDMARK_KINDS, markOfKind, messageStyle } from "../../webview/rounds/marks.ts";
import { conditionName, troublesOf } from "../../webview/troubles.ts";
import { makeSwarm } from "./harness/swarm-data.ts";

const agent = (change: Partial<AgentView>): AgentView => ({
  ...(makeSwarm({ agents: 4 }).agents[1] as AgentView),
  process: "running",
  health: "alive",
  ...change,
});

/** What of a glyph is seen without its colours. */
const shapeOf = (glyph: Glyph): string =>
  JSON.stringify(
    glyph.map(({ d, fill, stroke, dash }) => [
      d,
      fill === undefined || fill === "background",
      stroke === undefined,
      dash,
    ]),
  );

describe("the look of a PBFT swarm's agents", () => {
  it("is Raft's: a star leads, a disc follows, a ring calls for another leader", () => {
    const glyph = (role: AgentView["role"], votes: number | null = null): Glyph =>
      agentGlyph(lookOf(agent({ role, votes }), 3));
    assert.deepEqual(glyph("primary"), glyph("leader"));
    assert.deepEqual(glyph("backup"), glyph("follower"));
    assert.deepEqual(glyph("viewChange", 2), glyph("candidate", 2));
    assert.notDeepEqual(glyph("viewChange", 2), glyph("viewChange", 1), "it fills with those that change too");
  });

  it("is said in PBFT's words", () => {
    const words = (change: Partial<AgentView>): string => stateName(agent(change), lookOf(agent(change), 3));
    assert.equal(words({ role: "primary" }), "primary");
    assert.equal(words({ role: "viewChange" }), "view change");
    assert.equal(words({ role: "backup", health: "failed" }), "backup, held for failed");
    assert.equal(words({ role: "backup", process: "paused" }), "paused");
  });

  it("has a mask where another holds proof that it lies, whatever fault made it lie", () => {
    assert.deepEqual(troublesOf(agent({ provenLiarBy: ["a1"] }), []), ["liar"]);
    assert.deepEqual(troublesOf(agent({}), []), []);
    const caught = agent({ role: "backup", provenLiarBy: ["a1"] });
    assert.equal(conditionName(caught, lookOf(caught, 3), []), "backup, lies");
  });
});

describe("PBFT in the rounds view", () => {
  const kinds = EVENT_KINDS.filter((kind) => kind !== "send" && kind !== "receive");

  it("has a mark of its own for each event, told apart without colours", () => {
    const seen = new Map<string, EventKind>();
    for (const kind of [...CONSENSUS.pbft.events, "committed"] as const) {
      const shape = shapeOf(markOfKind(kind)?.glyph ?? []);
      assert.equal(seen.get(shape), undefined, `${kind} looks like ${seen.get(shape)}`);
      seen.set(shape, kind);
    }
    for (const kind of kinds) assert.ok(markOfKind(kind), kind);
  });

  it("has a line or a head of its own for each message, told apart without colours", () => {
    const seen = new Map<string, string>();
    for (const type of CONSENSUS.pbft.messageTypes) {
      const { dash, head, width } = messageStyle(type);
      const look = JSON.stringify([dash, head, isFilled(head), width >= 2]);
      assert.equal(seen.get(look), undefined, `${type} looks like ${seen.get(look)}`);
      seen.set(look, type);
    }
    const phases = (["prePrepare", "prepare", "commit"] as const).map((type) => messageStyle(type));
    assert.equal(new Set(phases.map(({ ink }) => ink)).size, 3, "the three phases differ in colour, too");
    assert.equal(new Set(phases.map(({ head }) => head)).size, 3);
  });

  it("has a name for each kind and group", () => {
    for (const name of [...CONSENSUS.pbft.events, ...CONSENSUS.pbft.messageTypes]) assert.ok(kindName(name).length > 2);
    for (const { name } of groupsOf("pbft")) assert.ok(name.length > 0);
    assert.ok(LANDMARK_KINDS.includes("equivocation"));
  });

  it("says what happened in sentences that name view, sequence and who", () => {
    const said = (kind: EventKind, fields: Fields): string => {
      const event: TimelineEvent = { id: "a1.1:1", agent: "a1", hlc: { wallMs: 0, counter: 0 }, kind, fields };
      return describeEvent(event);
    };
    assert.equal(
      said("equivocation", { culprit: "a7", kind: "prepare", view: 3, seq: 41, evidence: "00" }),
      "proof of a lie (a7 signed two prepares for view 3, sequence 41)",
    );
    assert.equal(
      said("equivocation", { culprit: "a7", kind: "checkpoint", view: 0, seq: 128, evidence: "00" }),
      "proof of a lie (a7 signed two checkpoints for sequence 128)",
    );
    assert.equal(
      said("prePrepared", { view: 3, seq: 41, digest: "00", requests: 1 }),
      "pre-prepared (view 3, sequence 41, 1 request)",
    );
    assert.equal(
      said("prepared", { view: 3, seq: 41, by: ["a1", "a2", "a3"], needed: 3 }),
      "prepared (view 3, sequence 41, by a1, a2, a3; 3 needed)",
    );
    assert.equal(
      said("viewChangeStarted", { view: 4, reason: "timeout" }),
      "gave up on a view (for view 4: what it knows of was not decided in time)",
    );
    assert.equal(
      said("viewChangeReceived", { view: 4, from: "a3", have: 2, needed: 3 }),
      "got a view change (for view 4 from a3, 2 of 3)",
    );
    assert.equal(
      said("viewEntered", { view: 4, primary: "a1", by: ["a1", "a3", "a4"], reproposed: 2 }),
      "entered a view (view 4, primary a1, called for by a1, a3, a4)",
    );
    assert.equal(
      said("disbelieved", { from: "a2", message: "prePrepare", reason: "badSignature" }),
      "did not believe (pre-prepare from a2: the signature is wrong)",
    );
    const forged = { message: "links", about: "a3", reason: "badSignature" };
    assert.equal(
      said("disbelieved", { ...forged, from: "a2" }),
      "did not believe (the links of a3 from a2: the signature is wrong)",
    );
    assert.equal(
      said("disbelieved", forged),
      "did not believe (the links of a3 by a broadcast: the signature is wrong)",
    );
    assert.equal(
      said("stateTransferRefused", { seq: 128, from: "a2", reason: "wrongDigest" }),
      "refused a state (from a2, after sequence 128: it is not what the checkpoint's proof says)",
    );
    // Whatever is told, also by a newer agent, is shown and not a crash.
    for (const kind of CONSENSUS.pbft.events) assert.ok(said(kind, {}).startsWith(kindName(kind)), kind);
  });
});
