// A proposal as a person makes it, follows it, and takes its certificate away.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { ensurePackage } from "../../.ci/package.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { briefly, patiently, until } from "./harness/waiting.ts";

/** One of four says no, and the third approval, which decides, takes its time. */
const MESH = `name: voters
agents: 4
proposals:
  policies:
    a1: { command: node, args: [-e, "setTimeout(() => {}, 1500)"], timeout: 20s }
    a3: { reject: "no tests in it" }
`;

/** What the page's own element can tell and do: the stretch of time in sight. */
interface Rounds extends Element {
  readonly diagram: {
    readonly window: {
      readonly complete: boolean;
      readonly events: readonly { readonly kind: string; readonly hlc: { readonly wallMs: number } }[];
      readonly firstMs: number;
      readonly lastMs: number;
    } | null;
    readonly span: { readonly fromMs: number; readonly toMs: number };
    show(span: { readonly fromMs: number; readonly toMs: number }): void;
  };
}

/** In the page: goes to the first decision there was, from the ballot to the seal. */
function showFirstVote(element: Element): boolean {
  const { diagram } = element as Rounds;
  const at = (kind: string): number | undefined =>
    diagram.window?.events.find((event) => event.kind === kind)?.hlc.wallMs;
  const [begins, ends] = [at("proposalSubmitted"), at("proposalDecided")];
  // What is there of one stretch may begin after the first was put to the vote, and before it was decided.
  const whole = begins !== undefined && ends !== undefined && begins <= ends;
  if (!whole || diagram.window?.complete !== true) {
    const { firstMs = 0, lastMs = 0 } = diagram.window ?? {};
    if (lastMs > firstMs) diagram.show({ fromMs: firstMs, toMs: lastMs });
    return false;
  }
  const margin = Math.max(4, (ends - begins) * 0.3);
  diagram.show({ fromMs: begins - margin, toMs: ends + margin });
  return true;
}

/** In the page: whether the decision is in sight, event by event. */
function hasDecision(element: Element): boolean {
  const { window, span } = (element as Rounds).diagram;
  return (
    window?.complete === true &&
    window.events.some(
      ({ kind, hlc }) => kind === "proposalDecided" && hlc.wallMs > span.fromMs && hlc.wallMs < span.toMs,
    )
  );
}

describe("a proposal in the editor", function () {
  this.timeout(120_000);
  let editor: Editor;

  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples" });
    await editor.page
      .context()
      .grantPermissions(["clipboard-read", "clipboard-write"], { origin: new URL(editor.url).origin });
    writeFileSync(join(editor.folder, "voters.mesh.yaml"), MESH);
  });
  after(async () => {
    await editor?.close();
  });

  const proposals = () => editor.view("Proposals");
  const untilPrompt = (title: RegExp): Promise<true> =>
    until(editor.page, `the question ${title}`, async () => title.test(await editor.quickInput.prompt()));
  const untilShown = (said: RegExp): Promise<string> =>
    until(editor.page, `${said} in the open document`, async () => {
      const lines = editor.page.locator(".editor-group-container.active .monaco-editor .view-lines");
      const text = (await lines.innerText(briefly)).replaceAll("\u00a0", " ");
      return said.test(text) ? text : undefined;
    });

  it("is offered once a swarm runs", async () => {
    await editor.activityBar.open("Agent Mesh");
    assert.match(await proposals().welcome(), /What a running swarm votes on appears here/);
    await editor.runCommand("Agent Mesh: Init Swarm");
    await editor.quickInput.choose("voters.mesh.yaml");
    await editor.notifications.waitFor(/voters is up: 4\/4 agents/, 30_000);
    const topology = await editor.webviewFrame("Topology", "side bar");
    await topology.locator("canvas").first().waitFor(patiently);
    assert.match(await proposals().welcome(), /Nothing was put to the vote yet/);
  });

  it("is asked for step by step; what is no JSON is said while it is typed, and giving up loses nothing", async () => {
    await proposals().titleAction("Propose");
    await untilPrompt(/Propose to voters: what is it about\?/);
    await editor.quickInput.type("Deploy 1.4 to production");
    await untilPrompt(/the JSON to decide on/);
    await editor.quickInput.type("ship it");
    await until(editor.page, "what is wrong with it", async () =>
      /This is no JSON: .*A text is written in quotation marks: "ship it"/.test(await editor.quickInput.message()),
    );
    await editor.screenshot("proposals-1-no-json");
    await editor.quickInput.dismiss();

    await editor.runCommand("Agent Mesh: Propose");
    await untilPrompt(/what is it about\?/);
    const input = editor.page.locator(".quick-input-box input");
    assert.equal(await input.inputValue(briefly), "Deploy 1.4 to production");
    await editor.page.keyboard.press("Enter");
    await untilPrompt(/the JSON to decide on/);
    assert.equal(await input.inputValue(briefly), "ship it");
    await editor.quickInput.type('{"version": "1.4", "to": "production"}');
    await untilPrompt(/who votes\?/);
    await editor.quickInput.choose(/All 4/);
    await untilPrompt(/which share of the voters/);
    await editor.screenshot("proposals-2-threshold");
    await editor.quickInput.type("");
    await untilPrompt(/how long may they take\?/);
    await editor.quickInput.type("");
  });

  it("is decided by the votes of the agents, which the tree shows with their reasons", async () => {
    await proposals().item(/^Deploy 1\.4 to production 2 of 4 approve, 1 rejects · 3 needed$/, 20_000);
    await proposals().item(/^Deploy 1\.4 to production 3 of 4 approve, 1 rejects · 3 needed$/, 20_000);
    const { buttons } = await editor.notifications.waitFor(
      "“Deploy 1.4 to production” is approved: 3 of 4 approve, 1 rejects; 3 needed.",
    );
    assert.deepEqual(buttons, ["Show", "Copy Certificate"]);
    await proposals().expandItem(/^Deploy 1\.4/);
    const votes = await proposals().untilItems("its voters", (all) => all.length === 5);
    assert.deepEqual(
      votes.slice(1).map(({ label, description }) => `${label} ${description}`),
      ["a1 approves", "a2 approves", "a3 rejects: no tests in it", "a4 approves"],
    );
    await editor.screenshot("proposals-3-approved-dark");
  });

  it("has a certificate that is copied from the message and verified from the clipboard", async () => {
    await editor.notifications.press(/is approved/, "Copy Certificate");
    await editor.notifications.waitFor(
      /The certificate that “Deploy 1\.4 to production” was approved is in the clipboard/,
    );
    await editor.runCommand("Agent Mesh: Verify Evidence or Certificate");
    await editor.quickInput.choose("The Clipboard");
    await editor.notifications.waitFor(/^Certificate holds: /);
    await editor.screenshot("proposals-4-verified");
  });

  it("is shown as a document to read, and its certificate is saved into a file, from the tree", async () => {
    await proposals().contextMenu(/^Deploy 1\.4/, "Show Proposal");
    const text = await untilShown(/"tally": "3 of 4 approve, 1 rejects; 3 needed"/);
    assert.match(text, /"version": "1\.4"/);
    const file = join(editor.folder, "deploy.certificate.json");
    await proposals().contextMenu(/^Deploy 1\.4/, "Save Certificate…");
    await untilPrompt(/Save Certificate/);
    await editor.quickInput.file(file);
    await editor.notifications.waitFor(/was approved is in .*deploy\.certificate\.json/);
    const certificate = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, unknown>>;
    assert.equal(certificate.type, "certificate");
    assert.equal(certificate.outcome, "approved");
    // One that somebody changed is told as one that proves nothing.
    const forged = JSON.stringify({ ...certificate, outcome: "rejected" });
    await editor.page.evaluate((changed) => navigator.clipboard.writeText(changed), forged);
    await editor.runCommand("Agent Mesh: Verify Evidence or Certificate");
    await editor.quickInput.choose("The Clipboard");
    await editor.notifications.waitFor(/^Certificate proves nothing: /);
    await editor.screenshot("proposals-5-document");
  });

  it("takes the JSON that is open, and some voters; a majority that says no rejects it", async () => {
    writeFileSync(join(editor.folder, "release.json"), '{\n  "version": "1.5"\n}\n');
    await editor.page.keyboard.press("Control+P");
    await editor.quickInput.choose("release.json");
    await untilShown(/"version": "1\.5"/);
    await editor.runCommand("Agent Mesh: Propose");
    await editor.quickInput.type("Deploy 1.5");
    await editor.quickInput.choose(/Release\.json/);
    await editor.quickInput.choose(/Some of them/);
    await editor.quickInput.chooseMany("a1", "a3");
    await untilPrompt(/which share of the voters/);
    await editor.quickInput.type("1");
    await untilPrompt(/how long may they take\?/);
    await editor.quickInput.type("10s");
    await proposals().item(/^Deploy 1\.5 rejected · 0 of 2 approve, 1 rejects · 2 needed$/, 20_000);
    await editor.notifications.waitFor(/^“Deploy 1\.5” is rejected: /);
  });

  it("is seen in the rounds: put to the vote, signed, counted, decided", async () => {
    await editor.runCommand("Notifications: Clear All Notifications");
    await editor.runCommand("Agent Mesh: Show Consensus Rounds");
    const rounds = await editor.webviewFrame("Consensus Rounds", "editor");
    await rounds.locator("canvas.space-time").waitFor(patiently);
    const box = rounds.locator(".search vscode-textfield input");
    const heading = rounds.locator(".event-details h2");
    for (const [kind, words] of [
      ["proposalSubmitted", /proposal submitted \(proposal-\w+: “Deploy 1\.5”, 2 voters, 2 needed\)/],
      ["voteCast", /vote cast \(a\d (approves|rejects) proposal-/],
      ["proposalDecided", /proposal decided \(proposal-\w+ rejected: 0 for, 1 against, 2 needed\)/],
      ["voteSigned", /vote signed \((approves|rejects) proposal-/],
    ] as const) {
      await box.fill(`kind:${kind}`);
      await box.press("Enter");
      await until(editor.page, `a ${kind}`, async () => words.test(await heading.innerText(briefly)));
    }
    await rounds.locator(".event-details vscode-toolbar-button").first().click();
    const view = rounds.locator("am-rounds");
    await until(editor.page, "the first vote, one event by one", () => view.evaluate(showFirstVote));
    await until(editor.page, "its events", () => view.evaluate(hasDecision));
    for (const theme of ["light", "dark"] as const) {
      await editor.setTheme(theme);
      await editor.screenshot(`proposals-6-rounds-${theme}`);
    }
  });
});
