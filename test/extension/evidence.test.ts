import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { evidenceLines, told } from "../../extension/commands/evidence-text.ts";
import { agentContext } from "../../extension/views/agent-context.ts";
import { signedTwiceText } from "../../server/contract/evidence.ts";
import { verifyProofs } from "../../server/live/proofs/verify.ts";
import { Deciders } from "../live/proofs/deciders.ts";
import { Liars } from "../live/proofs/lies.ts";
import { makeSwarm, pbftSwarm } from "../webview/harness/swarm-data.ts";

const liars = new Liars("a1", "a7");
const held = (culprit: string, seq: number) => {
  const evidence = liars.digits(culprit, { seq });
  const statement = signedTwiceText({ culprit, kind: "prepare", view: 3, seq });
  return { ...liars.line(culprit, { evidence }), statement };
};

describe("evidence in the editor", () => {
  it("that was copied is that agent's, and verifies anywhere", () => {
    const lines = evidenceLines([held("a7", 1), held("a1", 1), held("a7", 2)], "a7");
    const verdicts = verifyProofs(lines.join("\n"), () => ({ swarm: liars.swarm }));
    assert.deepEqual(
      verdicts.map(({ problem, statement }) => [problem, statement]),
      [1, 2].map((seq) => [undefined, `a7 signed two prepares for view 3, sequence ${seq}`]),
    );
    assert.deepEqual(evidenceLines([held("a7", 1)], "a1"), []);
  });

  it("is told in a sentence, or in a document with a line for each; one that fails is never told as one that holds", () => {
    const good = verifyProofs(JSON.stringify(liars.line("a7")), () => undefined);
    assert.deepEqual([told(good).holds, /^Evidence holds: a7 signed two/.test(told(good).text)], [true, true]);
    const bad = verifyProofs("0g", () => undefined);
    assert.equal(told(bad).holds, false);
    assert.match(told(bad).text, /^This proves nothing: .*"g" is not a hexadecimal digit/);
    const both = told(verifyProofs(`${JSON.stringify(liars.line("a7"))}\n0g`, () => undefined));
    assert.deepEqual([both.holds, both.title], [false, "Proofs, 1 of 2 hold"]);
    assert.match(both.text, /^line 1: holds: .*\nline 2: proves nothing: .*\n$/);
  });

  it("is told apart from a certificate, which holds or says what is wrong with it", () => {
    const deciders = new Deciders("a1", "a2", "a3", "a4");
    const certificate = deciders.certificate({ a1: "approve", a2: "approve", a4: "approve" });
    const said = (text: string) => told(verifyProofs(text, () => undefined));
    const good = said(`${JSON.stringify(certificate)}\n`);
    assert.equal(good.holds, true);
    assert.match(good.text, /^Certificate holds: .*deploy 1\.4/);
    const fewer = said(JSON.stringify({ ...certificate, votes: certificate.votes.slice(1) }));
    assert.equal(fewer.holds, false);
    assert.match(fewer.text, /^Certificate proves nothing: /);
    const both = said([certificate, liars.line("a7")].map((proof) => JSON.stringify(proof)).join("\n"));
    assert.deepEqual([both.holds, both.title], [true, "Proofs, 2 of 2 hold"]);
    // As an editor formats it.
    assert.match(said(JSON.stringify(certificate, undefined, 2)).text, /^Certificate holds: /);
  });

  it("can be copied in the menu of a liar, and of nobody else; a liar has the other menus, too", () => {
    const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
      readonly contributes: {
        readonly menus: Readonly<Record<string, readonly { readonly command: string; readonly when: string }[]>>;
      };
    };
    const menu = (context: string): string[] =>
      (manifest.contributes.menus["view/item/context"] ?? []).flatMap(({ command, when }) => {
        const pattern = /^view == agentMesh\.agents && viewItem =~ \/(.*)\/$/.exec(when)?.[1];
        return pattern !== undefined && new RegExp(pattern).test(context) ? [command] : [];
      });
    const { agents } = pbftSwarm();
    const copies = agents.filter((agent) => menu(agentContext(agent)).includes("agentMesh.copyEvidence"));
    assert.deepEqual(
      copies.map(({ id }) => id),
      ["a3"],
    );
    for (const agent of makeSwarm({ agents: 3 }).agents) {
      const lying = menu(agentContext({ ...agent, lies: ["a lie"] }));
      assert.deepEqual(
        lying.filter((command) => command !== "agentMesh.copyEvidence"),
        menu(agentContext(agent)),
      );
    }
  });
});
