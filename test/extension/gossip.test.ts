import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { faultMenu, promiseOf } from "../../extension/commands/fault-menu.ts";
import { askFault, type Plot } from "../../extension/commands/fault-questions.ts";
import { refuseIfFixed, refuseTask, refuseTransfer } from "../../extension/commands/unordered.ts";
import { proposalFace } from "../../extension/views/proposal-faces.ts";
import { CONSENSUS } from "../../server/contract/consensus.ts";
import { FAULT_PRESETS } from "../../server/contract/faults.ts";
import type { ProposalView } from "../../server/contract/proposals.ts";
import { checkedParams } from "../../server/coordinator/requests.ts";
import { writtenFault } from "../../server/coordinator/written-fault.ts";
import { seededRandom } from "../../server/core/random.ts";
import { presetRun } from "../../server/meshfile/faults/presets.ts";
import { resolveFault } from "../../server/meshfile/faults/resolve.ts";
import { TIMING } from "../../server/meshfile/timing.ts";
import { gossipSwarm } from "../webview/harness/swarm-data.ts";
import { Scripted } from "./harness/scripted.ts";

const SWARM = gossipSwarm();
const MESH = { agents: SWARM.agents.map(({ id }) => id), links: SWARM.links, consensus: SWARM.consensus };
const parse = async (text: string) => writtenFault(text, MESH);
const choices = faultMenu(SWARM, {}).filter((choice) => "label" in choice);

/** As a running swarm takes it, in which nobody leads. */
function accepted(plot: Plot): void {
  const ground = { ...MESH, leader: null, alive: MESH.agents };
  for (const fault of plot.faults) {
    checkedParams("injectFault", { swarm: "s", fault });
    assert.ok(resolveFault(fault, ground, seededRandom(1)).effects.length > 0, JSON.stringify(fault));
  }
  if (plot.preset === undefined) return;
  checkedParams("injectPreset", { swarm: "s", preset: plot.preset });
  const steps = presetRun(plot.preset, { ...MESH, timing: TIMING.local }, seededRandom(1)).step(0);
  assert.ok(steps.length > 0);
  for (const { fault } of steps) resolveFault(fault, ground, seededRandom(1));
}

describe("Inject Failure in a swarm by gossip", () => {
  it("offers no lie that makes no sense and no hunt for a leader, and says that no liar is survived", () => {
    const lies = choices.flatMap(({ value }) => (value.what === "byzantine" ? [value.behaviour] : []));
    assert.deepEqual(lies.sort(), [...CONSENSUS.gossip.behaviours].sort());
    const presets = choices.flatMap(({ value }) => (value.what === "preset" ? [value.preset] : []));
    assert.deepEqual(presets.sort(), FAULT_PRESETS.filter((preset) => preset !== "leaderHunt").sort());
    assert.equal(promiseOf(SWARM), "Gossip does not promise to survive this.");
    const separators = faultMenu(SWARM, {}).flatMap((one) => ("separator" in one ? [one.separator] : []));
    assert.equal(separators.at(-1), "Lies: Gossip does not promise to survive them");
  });

  it("never asks about a leader, and comes to what the coordinator takes", async () => {
    for (const { label, value } of choices) {
      if (value.what === "words") continue;
      const shown: string[] = [];
      const asker = new Scripted([new RegExp(`^${label.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&")}$`)]);
      const plot = await askFault(
        {
          pick: async (title, all) => {
            shown.push(title, ...all.map((one) => ("label" in one ? `${one.label} ${one.description ?? ""}` : "")));
            return asker.pick(title, all);
          },
          pickMany: (title, all) => asker.pickMany(title, all),
          text: (question) => asker.text(question),
        },
        SWARM,
        {},
        parse,
      );
      assert.ok(plot, label);
      accepted(plot);
      assert.doesNotMatch(shown.join("\n"), /leader|election|vote|the $/i, label);
    }
  });

  it("offers the messages of gossip, several at once where they belong together", async () => {
    const plot = await askFault(new Scripted([/Drop/, /Anti-entropy/]), SWARM, {}, parse);
    const fault = plot?.faults[0];
    assert.ok(fault?.kind === "message");
    assert.deepEqual(fault.match.types, ["digest", "delta"]);
  });
});

describe("what a swarm by gossip cannot do", () => {
  const raft = { name: "r", consensus: "raft" } as const;
  const gossip = { name: "g", consensus: "gossip" } as const;

  it("is refused with a sentence that says why: tasks, another leader; not changes of the members", () => {
    assert.throws(
      () => refuseTask(gossip),
      /^Error: g has no tasks: it decides by gossip, .* Use consensus: raft or pbft/,
    );
    refuseIfFixed(gossip);
    assert.throws(() => refuseTransfer(gossip), /^Error: g has no leader that could hand over: it decides by gossip/);
    for (const refuse of [refuseTask, refuseIfFixed, refuseTransfer]) refuse(raft);
    assert.throws(() => refuseIfFixed({ ...raft, consensus: "pbft" }), /fixed: it decides by PBFT/);
    refuseTask({ ...raft, consensus: "pbft" });
  });

  it("is in no menu of its views", () => {
    const { contributes } = JSON.parse(readFileSync("package.json", "utf8")) as {
      contributes: { menus: Record<string, { command: string; when?: string }[]> };
    };
    const entries = Object.entries(contributes.menus).flatMap(([menu, all]) => all.map((one) => ({ menu, ...one })));
    const inMenus = (command: string) => {
      const own = entries.filter((one) => one.command === `agentMesh.${command}` && one.menu !== "commandPalette");
      assert.ok(own.length > 0, command);
      return own;
    };
    for (const command of ["submitTask", "transferLeadership"])
      for (const { menu, when } of inMenus(command))
        assert.match(when ?? "", /agentMesh\.consensus != gossip/, `${command} in ${menu}`);
    for (const command of ["addAgent", "removeAgent", "copyJoinCommand"])
      for (const { menu, when } of inMenus(command))
        assert.doesNotMatch(when ?? "", /agentMesh\.consensus (!= gossip|==)/, `${command} in ${menu}`);
  });
});

describe("a proposal in a swarm by gossip", () => {
  const proposal: ProposalView = {
    id: "p1",
    subject: "deploy",
    voters: ["a1", "a2", "a3"],
    threshold: 0.67,
    needed: 3,
    timeoutMs: 1000,
    state: "approved",
    submittedAtMs: 0,
    deadlineMs: 1000,
    decidedAtMs: 500,
    votes: ["a1", "a2", "a3"].map((voter) => ({ voter, choice: "approve", reason: "", atMs: 1 })),
  };

  it("says how sure it is that all know, where that is less than known", () => {
    const spread = { agent: "a3", agreement: 0.94, sameVector: 2, members: 5 };
    const unsure = proposalFace({ ...proposal, spread });
    assert.equal(unsure.description, "3 of 3 approve · 3 needed · agreement 0.94");
    assert.match(unsure.tooltip, /Agreement: 0\.94, 2 of 5 are known to have it all, as a3 says$/);
    const sure = proposalFace({ ...proposal, spread: { ...spread, agreement: 1, sameVector: 5 } });
    assert.equal(sure.description, proposalFace(proposal).description);
    assert.match(sure.tooltip, /Agreement: 1, all 5 are known to have it all$/);
    assert.doesNotMatch(proposalFace(proposal).tooltip, /Agreement/);
  });
});
