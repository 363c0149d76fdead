import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { noteText, sideSentence, sideText, sideWord } from "../../server/contract/partition.ts";
import type { AgentView, PartitionReport } from "../../server/contract/swarm.ts";
import type { EventKind, Fields, TimelineEvent } from "../../server/contract/timeline.ts";
import { agentLegend } from "../../webview/elements/legend.ts";
import { agentGlyph, lookOf } from "../../webview/glyphs.ts";
import { describe as describeEvent, groupOf } from "../../webview/rounds/kinds.ts";
import { markOfKind } from "../../webview/rounds/marks.ts";
import { conditionName } from "../../webview/troubles.ts";
import { makeSwarm } from "./harness/swarm-data.ts";

const READ_ONLY: PartitionReport = {
  state: "readOnly",
  sinceMs: 0,
  answering: ["a4", "a5"],
  known: 5,
  voters: 2,
  votersTotal: 5,
  quorum: 3,
  seen: 1,
  apartMs: 10,
  readOnlyMs: 10,
  recovered: 0,
  recoveryMs: null,
};
const agent = (changes: Partial<AgentView> = {}): AgentView => ({
  ...(makeSwarm({ agents: 5 }).agents[3] as AgentView),
  ...changes,
});

describe("an agent on a side of a partition", () => {
  it("is hatched where it is read-only, and only there, whatever its shape", () => {
    const glyph = (changes: Partial<AgentView>): string => JSON.stringify(agentGlyph(lookOf(agent(changes), 3)));
    const plain = glyph({});
    const hatched = glyph({ partition: READ_ONLY });
    assert.notEqual(hatched, plain);
    assert.ok(hatched.includes(plain.slice(1, -1)), "its shape is the same");
    assert.equal(glyph({ partition: { ...READ_ONLY, state: "recovering" } }), plain);
    const crashed = { process: "crashed" } as const;
    assert.equal(glyph({ ...crashed, partition: READ_ONLY }), glyph(crashed), "what it said before it was gone");
    const labels = (consensus: "raft" | "gossip"): boolean =>
      agentLegend(consensus).some(({ label }) => /read-only/.test(label));
    assert.deepEqual([labels("raft"), labels("gossip")], [true, false]);
  });

  it("says so in the words that label, table and card share", () => {
    const words = (state: PartitionReport["state"]): string => {
      const one = agent({ partition: { ...READ_ONLY, state } });
      return conditionName(one, lookOf(one, 3), []);
    };
    assert.deepEqual(
      ["readOnly", "apart", "recovering", "whole"].map((state) => words(state as PartitionReport["state"])),
      ["follower, read-only", "follower, cut off", "follower, catching up", "follower"],
    );
    assert.equal(sideWord(READ_ONLY), "read-only");
    assert.equal(sideText("a4", READ_ONLY), "read-only with a5: 2 of 5 voters answer, 3 decide");
    assert.equal(
      sideText("a4", { ...READ_ONLY, state: "apart", answering: ["a4"] }),
      "cut off alone: 1 of 5 members answer",
    );
    assert.match(
      sideSentence("a5", READ_ONLY),
      /^a5 and a4 are on a side .* with 2 of 5 voters, and 3 decide: read-only until it heals; ask an agent of the other side/,
    );
    const many = ["a1", "a2", "a3", "a4", "a5", "a6", "a7"];
    assert.match(sideSentence("a1", { ...READ_ONLY, answering: many }), /^a1, a2, a3, a4, a5 and 2 more are/);
    assert.equal(
      noteText({ ...READ_ONLY, state: "readOnly", answering: 2 }),
      "a read-only side of a partition: 2 of 5 voters answer there, 3 decide",
    );
  });
});

describe("the events of a partition in the rounds", () => {
  const told = (kind: EventKind, fields: Fields): string =>
    describeEvent({ id: "a4.1:1", agent: "a4", hlc: { wallMs: 0, counter: 0 }, kind, fields } satisfies TimelineEvent);

  it("say who answers, and how long it took, each with a mark of its own, among the members", () => {
    const { answering, known, voters, votersTotal, quorum } = READ_ONLY;
    const fields = { answering, known, voters, votersTotal, quorum };
    assert.equal(
      told("partitioned", { readOnly: true, ...fields }),
      "partitioned (read-only: 2 of 5 voters answer, 3 decide; a4, a5)",
    );
    assert.equal(
      told("partitioned", { readOnly: false, ...fields }),
      "partitioned (cut off: a4, a5 of 5 members answer)",
    );
    assert.equal(
      told("healed", { apartMs: 5000, answering: 4, known: 5 }),
      "side healed (after 5 s, 4 of 5 members answer)",
    );
    assert.match(told("recovered", { tookMs: 45 }), /^caught up after a partition \(in 45(\.0)? ms\)$/);
    const kinds = ["partitioned", "healed", "recovered"] as const;
    assert.deepEqual(kinds.map(groupOf), ["members", "members", "members"]);
    assert.equal(new Set(kinds.map((kind) => JSON.stringify(markOfKind(kind)?.glyph.map(({ d }) => d)))).size, 3);
  });
});
