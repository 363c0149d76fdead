import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { encodeOwnProposalCommand } from "../../server/agent/command.ts";
import { Machine } from "../../server/agent/machine.ts";
import type { ProposalRequest } from "../../server/contract/proposals.ts";
import { EntryKind } from "../../server/core/consensus.ts";
import type { ProposalCommand } from "../../server/core/proposals/types.ts";
import { signVote, verifyVote } from "../../server/core/proposals/votes.ts";
import { seededRandom } from "../../server/core/random.ts";
import { SimKeys } from "../../server/sim/crypto.ts";
import { Cluster, type Node } from "./cluster.ts";

const BODY = '{"version": "1.4", "canary": true}';

function requestOf(over: Partial<ProposalRequest> = {}): ProposalRequest {
  return { id: "p1", subject: "deploy 1.4", body: BODY, ...over };
}

/** Once all of them have applied it so. */
function decided(cluster: Cluster, state: string, id = "p1"): void {
  const states = (): (string | undefined)[] => cluster.up.map(({ agent }) => agent?.machine.proposals.get(id)?.state);
  cluster.until(`${id} is ${state} everywhere`, () => states().every((one) => one === state), 20_000);
}

function votesOf(node: Node, id = "p1"): string[] {
  const votes = node.agent?.machine.proposals.get(id)?.votes ?? [];
  return votes.map(({ voter, choice }) => `${voter} ${choice}`).sort();
}

for (const consensus of ["raft", "pbft"] as const) {
  describe(`a proposal, decided by ${consensus}`, () => {
    const make = (): Cluster => {
      const cluster = new Cluster({ size: 4, consensus });
      cluster.elect();
      return cluster;
    };

    it("is approved by the votes that its voters' policies cast, the same everywhere, each signed by its voter", () => {
      const cluster = make();
      cluster.node("a3").policy = () => ({ choice: "reject", reason: "not on a Friday" });
      const answer = cluster.ask("a2", { op: "propose", proposal: requestOf() });
      assert.deepEqual(answer, { ok: true, value: { type: "proposed", proposalId: "p1", created: true } });
      decided(cluster, "approved");
      const proposals = cluster.up.map((node) => node.agent?.machine.proposals.get("p1"));
      for (const one of proposals) assert.deepEqual(one, proposals[0]);
      const { spec, votes = [] } = proposals[0] ?? {};
      assert.ok(spec !== undefined);
      assert.equal(spec.body, '{"canary":true,"version":"1.4"}');
      assert.deepEqual(spec.voters, ["a1", "a2", "a3", "a4"]);
      assert.ok(votes.length >= 3);
      for (const vote of votes) assert.ok(verifyVote(cluster.node("a1").crypto, spec, vote), vote.voter);
    });

    it("is put down to what led to it: the proposal to the vote, the vote to what it is sent in", () => {
      const cluster = make();
      const follower = cluster.follower();
      // Nothing else comes in then.
      cluster.node(follower).judgeMs = 77.7;
      cluster.ask(follower, { op: "propose", proposal: requestOf({ threshold: 1 }) });
      decided(cluster, "approved");
      const { events } = cluster.node(follower);
      const signed = events.find(({ kind }) => kind === "voteSigned");
      assert.equal(events.find(({ id }) => id === signed?.cause)?.kind, "proposalSubmitted");
      assert.ok(events.some(({ kind, cause }) => kind === "send" && cause === signed?.id));
    });

    it("is rejected once it cannot be approved any more", () => {
      const cluster = make();
      for (const id of ["a1", "a3"]) cluster.node(id).policy = () => ({ choice: "reject", reason: `${id} says no` });
      cluster.ask("a1", { op: "propose", proposal: requestOf() });
      decided(cluster, "rejected");
    });

    it("expires at its deadline when too few vote, and counts no vote after it", () => {
      const cluster = make();
      for (const id of ["a2", "a3"]) cluster.node(id).policy = undefined;
      cluster.ask("a1", { op: "propose", proposal: requestOf({ timeoutMs: 2000 }) });
      decided(cluster, "expired");
      for (const node of cluster.up) assert.deepEqual(node.agent?.machine.proposals.get("p1")?.votes.length, 2);
      // Nobody goes on considering what is decided.
      for (const node of cluster.up) assert.deepEqual([...node.considering.keys()], []);
      cluster.node("a2").agent?.judged({ proposalId: "p1", choice: "approve", reason: "late" }, cluster.now);
      cluster.run(1000);
      for (const node of cluster.up) assert.deepEqual(votesOf(node), ["a1 approve", "a4 approve"]);
    });

    it("asks only those that it names", () => {
      const cluster = make();
      cluster.ask("a1", { op: "propose", proposal: requestOf({ voters: ["a4", "a2"], threshold: 1 }) });
      decided(cluster, "approved");
      for (const node of cluster.up) assert.deepEqual(votesOf(node), ["a2 approve", "a4 approve"]);
    });

    it("asks a voter again that crashed before its vote was counted", () => {
      const cluster = make();
      const slow = cluster.node("a2");
      slow.judgeMs = 400;
      cluster.ask("a1", { op: "propose", proposal: requestOf({ threshold: 1, timeoutMs: 60_000 }) });
      cluster.until("a2 considers it", () => slow.considering.has("p1"));
      slow.kill();
      cluster.run(300);
      slow.start();
      decided(cluster, "approved");
    });

    it("is read with all its votes and reasons, and listed", () => {
      const cluster = make();
      cluster.node("a3").policy = () => ({ choice: "reject", reason: "not on a Friday" });
      cluster.ask("a1", { op: "propose", proposal: requestOf({ threshold: 0.75 }) });
      decided(cluster, "approved");
      cluster.run(500);
      const one = cluster.ask("a2", { op: "proposal", proposalId: "p1" });
      assert.ok(one.ok && one.value.type === "proposal" && one.value.proposal !== null);
      const { needed, threshold, state, votes } = one.value.proposal;
      assert.deepEqual({ needed, threshold, state }, { needed: 3, threshold: 0.75, state: "approved" });
      for (const { signature } of votes) assert.match(signature, /^[0-9a-f]{32,128}$/);
      const all = cluster.ask("a2", { op: "proposals" });
      assert.ok(all.ok && all.value.type === "proposals");
      assert.deepEqual(all.value.proposals, [one.value.proposal]);
      const none = cluster.ask("a2", { op: "proposal", proposalId: "p2" });
      assert.deepEqual(none, { ok: true, value: { type: "proposal", proposal: null } });
    });

    it("costs no round when it makes no sense", () => {
      const cluster = make();
      const before = cluster.node("a1").agent?.consensusStatus.commit;
      for (const [proposal, sentence] of [
        [requestOf({ body: "{" }), /JSON/],
        [requestOf({ body: JSON.stringify("x".repeat(70_000)) }), /65536|64 KiB/],
        [requestOf({ threshold: 0.5 }), /threshold/],
        [requestOf({ threshold: 1.01 }), /threshold/],
        [requestOf({ threshold: 0.66667 }), /decimals/],
        [requestOf({ voters: ["a1", "a9"] }), /a9/],
        [requestOf({ voters: ["a1", "a1"] }), /a1/],
        [requestOf({ voters: [] }), /voter/],
        [requestOf({ subject: "" }), /subject/],
      ] as const) {
        const answer = cluster.ask("a1", { op: "propose", proposal });
        assert.ok(!answer.ok && answer.code === "invalid", JSON.stringify(answer));
        assert.match(answer.message, sentence);
      }
      assert.equal(cluster.node("a1").agent?.consensusStatus.commit, before);
    });
  });
}

describe("a vote with a signature that is not its voter's", () => {
  it("does not count under pbft, and everyone is told", () => {
    const cluster = new Cluster({ size: 4, consensus: "pbft" });
    cluster.elect();
    const liar = cluster.node("a4");
    const { crypto } = liar;
    // It signs its part of the protocol as it should, and votes with the signature of another statement.
    const sign = crypto.sign.bind(crypto);
    liar.crypto.sign = (bytes) => sign(beginsWith(bytes, "agent-mesh vote") ? new Uint8Array(3) : bytes);
    cluster.ask("a1", { op: "propose", proposal: requestOf({ threshold: 1, timeoutMs: 3000 }) });
    decided(cluster, "expired");
    for (const node of cluster.up) assert.deepEqual(votesOf(node), ["a1 approve", "a2 approve", "a3 approve"]);
    for (const { events } of cluster.up) {
      const refused = events.filter(({ kind }) => kind === "voteNotTaken").map(({ fields }) => fields);
      assert.ok(refused.length > 0);
      assert.deepEqual(refused[0], { proposal: "p1", voter: "a4", reason: "badSignature" });
    }
  });

  it("does not count when it is another's, whoever brings it", () => {
    const keys = new SimKeys(["a1", "a2"], seededRandom("keys"));
    const crypto = keys.of("a1");
    const machine = new Machine({ verifyVote: (spec, vote) => verifyVote(crypto, spec, vote) });
    const spec = { id: "p", subject: "s", body: "{}", voters: ["a1", "a2"], threshold: 10_000, timeoutMs: 1000 };
    const apply = (command: ProposalCommand, index: number): void => {
      const data = encodeOwnProposalCommand(command);
      machine.apply({ index, term: 1, kind: EntryKind.command, timeMs: index, data });
    };
    apply({ type: "propose", spec }, 1);
    const vote = signVote(crypto, spec, "a1", "approve", "");
    apply({ type: "vote", id: "p", vote: { ...vote, voter: "a2" } }, 2);
    assert.deepEqual(machine.proposals.get("p")?.votes, []);
    apply({ type: "vote", id: "p", vote }, 3);
    apply({ type: "vote", id: "p", vote: signVote(keys.of("a2"), spec, "a2", "approve", "") }, 4);
    assert.equal(machine.proposals.get("p")?.state, "approved");
    const results = machine.takeObservations().map(({ type }) => type);
    assert.deepEqual(results, ["proposalSubmitted", "voteNotTaken", "voteCast", "voteCast", "proposalDecided"]);
  });
});

function beginsWith(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes.subarray(0, text.length)).toString("latin1") === text;
}
