// A swarm without a leader, as a person brings it up, cuts it in two, lets both sides go on, and sees it become one again.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { FrameLocator } from "playwright-core";
import { ensurePackage } from "../../.ci/package.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { menuChoices } from "./harness/views.ts";
import { briefly, patiently, until } from "./harness/waiting.ts";

const WHOLE = /quick-mesh-5 5\/5 · converged/;

/** What the page's own element can tell and do: the stretch of time in sight. */
interface Rounds extends Element {
  readonly diagram: {
    readonly window: {
      readonly complete: boolean;
      readonly events: readonly {
        readonly kind: string;
        readonly agent: string;
        readonly hlc: { readonly wallMs: number };
      }[];
      readonly firstMs: number;
      readonly lastMs: number;
    } | null;
    readonly span: { readonly fromMs: number; readonly toMs: number };
    readonly loading: boolean;
    show(span: { readonly fromMs: number; readonly toMs: number }): void;
  };
}

/** In the page: goes to an event, with so much time before and after it. False while that is not in sight yet, one event by one. */
function showAround(
  element: Element,
  { atMs, beforeMs, afterMs }: { readonly atMs: number; readonly beforeMs: number; readonly afterMs: number },
): boolean {
  const { diagram } = element as Rounds;
  const span = { fromMs: atMs - beforeMs, toMs: atMs + afterMs };
  if (diagram.span.fromMs !== span.fromMs || diagram.span.toMs !== span.toMs) diagram.show(span);
  const { window } = diagram;
  return (
    window?.complete === true &&
    !diagram.loading &&
    window.events.some(({ hlc }) => hlc.wallMs >= span.fromMs && hlc.wallMs <= span.toMs)
  );
}

describe("a swarm by gossip in the editor", function () {
  this.timeout(120_000);
  let editor: Editor;
  let rounds: FrameLocator;

  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples" });
  });
  after(async () => {
    await editor?.close();
  });

  const agents = () => editor.view("Agents");
  const proposals = () => editor.view("Proposals");
  const noLeader = (text: string): void => assert.doesNotMatch(text, /leader|\bterm\b|quorum|elect/i, text);

  async function propose(subject: string): Promise<void> {
    const untilPrompt = (title: RegExp): Promise<true> =>
      until(editor.page, `the question ${title}`, async () => title.test(await editor.quickInput.prompt()));
    await editor.runCommand("Agent Mesh: Propose");
    await untilPrompt(/what is it about\?/);
    await editor.quickInput.type(subject);
    await untilPrompt(/the JSON to decide on/);
    await editor.quickInput.type("{}");
    await untilPrompt(/who votes\?/);
    await editor.quickInput.choose(/All 5/);
    await untilPrompt(/which share of the voters/);
    await editor.quickInput.type("");
    await untilPrompt(/how long may they take\?/);
    await editor.quickInput.type("2m");
  }

  /** Finds the newest event of a kind, or the first, and says when it was. */
  async function find(kind: string, first = false): Promise<number> {
    const box = rounds.locator(".search vscode-textfield input");
    const status = rounds.locator(".search .status");
    const place = async (): Promise<string> => (await status.innerText(briefly)).trim();
    const enter = async (text: string, found: RegExp): Promise<string> => {
      await box.fill(text);
      await box.press("Enter");
      await until(editor.page, `"${text}" found as ${found}`, async () => found.test(await place()));
      return place();
    };
    await enter("", /^$/);
    let at = await enter(`kind:${kind}`, /^1 of \d+/);
    while (first && !/^(\d+) of \1$/.test(at)) {
      await box.press("Enter");
      const before = at;
      at = await until(editor.page, `an older ${kind}`, async () => (await place()) !== before && place());
    }
    const details = rounds.locator(".event-details");
    await details.waitFor();
    const facts = await until(editor.page, "its details", async () => {
      const text = await details.innerText(briefly);
      return /(\d+(?:\.\d+)?) ms, count/.test(text) && text;
    });
    noLeader(facts);
    await details.locator("vscode-toolbar-button").first().click();
    return Number(/(\d+(?:\.\d+)?) ms, count/.exec(facts)?.[1]);
  }

  async function look(name: string, atMs: number, beforeMs: number, afterMs: number): Promise<void> {
    const view = rounds.locator("am-rounds");
    await until(editor.page, `the events around ${name}`, () => view.evaluate(showAround, { atMs, beforeMs, afterMs }));
    await inThemes(`gossip-rounds-${name}`);
  }

  async function inThemes(name: string): Promise<void> {
    for (const theme of ["light", "dark"] as const) {
      await editor.setTheme(theme);
      await editor.screenshot(`${name}-${theme}`);
    }
  }

  it("comes up from the quick pick, which says what it is; all are peers, and all have the same", async () => {
    await editor.runCommand("Agent Mesh: Init Swarm");
    await editor.quickInput.choose("Quick swarm…");
    await editor.quickInput.type("5");
    await editor.quickInput.choose("mesh");
    await until(editor.page, "the kinds of consensus", async () =>
      (await editor.quickInput.labels()).includes("gossip"),
    );
    await editor.screenshot("gossip-1-choice");
    await editor.quickInput.choose("gossip");
    const { message } = await editor.notifications.waitFor(/quick-mesh-5 is up: 5\/5 agents/, 30_000);
    noLeader(message);
    noLeader(await editor.statusBar.item(WHOLE, 20_000));
    await editor.activityBar.open("Agent Mesh");
    await agents().untilItems("five peers", (all) => {
      const roles = all.map(({ description }) => description.split(" · ")[0]);
      return roles.length === 5 && roles.every((role) => role === "peer");
    });
    // Room for all that there is to say of one.
    for (const other of ["Topology", "Tasks", "Faults"]) await editor.view(other).collapse();
    await agents().expandItem(/^a1 /);
    const figures = (await agents().untilItems("the figures of a1", (all) => all.length > 10)).slice(1);
    const words = figures
      .filter(({ level }) => level === 2)
      .map(({ label, description }) => `${label}: ${description}`);
    assert.ok(words.includes("Agreement: 1 · all 5 have what it has"), words.join("\n"));
    assert.ok(words.includes("Not known everywhere: nothing of its own"), words.join("\n"));
    noLeader(words.join("\n"));
    assert.doesNotMatch(words.join("\n"), /Tasks|voter/);
    await editor.screenshot("gossip-2-agents-dark");
    await agents().click(/^a1 /);
    await agents().untilItems("a1 folded", (all) => all.length === 5);
  });

  it("refuses what takes an order, before anything is asked, and does not offer it where it knows better", async () => {
    assert.match(await editor.view("Tasks").welcome(), /A swarm by gossip has no tasks/);
    await editor.view("Tasks").collapse();
    for (const [command, sentence] of [
      ["Submit Task", /quick-mesh-5 has no tasks: it decides by gossip/],
      ["Transfer Leadership", /quick-mesh-5 has no leader that could hand over/],
    ] as const) {
      await editor.runCommand(`Agent Mesh: ${command}`);
      await editor.notifications.waitFor(sentence);
    }
    await editor.runCommand("Notifications: Clear All Notifications");
    await editor.page
      .locator('.pane:has(> .pane-header[aria-label^="Agents"]) .monaco-list-row')
      .first()
      .click({ button: "right" });
    const choices = await menuChoices(editor.page);
    for (const offered of ["Inject Failure", "Remove Agent"]) assert.ok(choices.includes(offered), choices.join(", "));
    assert.ok(!choices.some((choice) => /Leadership|Promote/.test(choice)), choices.join(", "));
    await editor.page.keyboard.press("Escape");
  });

  it("decides on a proposal, which spreads as a wave of rumours until all have converged", async () => {
    await propose("Deploy 1.4");
    await proposals().item(/^Deploy 1\.4 [45] of 5 approve · 4 needed$/, 30_000);
    await editor.statusBar.item(WHOLE, 20_000);
    await editor.runCommand("Notifications: Clear All Notifications");
    await editor.runCommand("Agent Mesh: Show Consensus Rounds");
    rounds = await editor.webviewFrame("Consensus Rounds", "editor");
    await rounds.locator("canvas.space-time").waitFor(patiently);
    for (const words of [".lanes", ".filters", "ul.legend"]) noLeader(await rounds.locator(words).innerText());
    assert.match(await rounds.locator(".lanes").innerText(), /agreement 1/);
    for (const kind of ["rumourHeard", "committed", "converged"]) await find(kind);
    await look("wave", await find("issued", true), 10, 110);
    await look("converged", await find("converged"), 400, 60);
  });

  it("takes writes on both sides of a partition, and says how sure each is", async () => {
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose("Partition");
    await editor.quickInput.chooseMany("a1", "a2");
    await editor.quickInput.choose("Until healed");
    await editor.view("Faults").untilItems("the partition", (all) => all.length === 1);
    await propose("Deploy 1.5");
    const oneSide = /^[23] of 5 approve · 4 needed.* agreement 0\.\d\d$/;
    await proposals().untilItems(
      "the votes of one side, and that others may lack them",
      (all) => all.some(({ description }) => oneSide.test(description)),
      30_000,
    );
    noLeader(await editor.statusBar.item(/quick-mesh-5 5\/5 · agreement 0\.\d\d/, 20_000));
    await agents().item(/^a\d peer.* · agreement 0\.\d\d/);
    await editor.runCommand("Notifications: Clear All Notifications");
    await editor.runCommand("Agent Mesh: Open Topology");
    const topology = await editor.webviewFrame("Topology", "editor");
    await topology.locator("canvas").first().waitFor(patiently);
    const label = (await topology.locator(".picture").getAttribute("aria-label")) ?? "";
    noLeader(label);
    assert.match(label, /agreement 0\.\d\d/);
    await inThemes("gossip-3-topology-cut");
    await topology.locator("vscode-toolbar-button[label=Table]").click();
    const table = topology.locator("am-table.agents");
    await table.waitFor();
    noLeader(await table.innerText());
    assert.match(await table.innerText(), /Agreement/);
    await editor.screenshot("gossip-4-topology-table-dark");
    await topology.locator("vscode-toolbar-button[label=Table]").click();
  });

  it("is one again when it heals: what one side decided is there on all", async () => {
    await editor.runCommand("Agent Mesh: Heal All");
    await editor.view("Faults").untilItems("no fault", (all) => all.length === 0);
    await editor.statusBar.item(WHOLE, 30_000);
    await proposals().item(/^Deploy 1\.5 [45] of 5 approve · 4 needed$/, 30_000);
    await agents().untilItems("all sure", (all) => all.every(({ description }) => !/agreement/.test(description)));
    await editor.runCommand("Notifications: Clear All Notifications");
    await editor.runCommand("Agent Mesh: Show Consensus Rounds");
    rounds = await editor.webviewFrame("Consensus Rounds", "editor");
    await rounds.locator("canvas.space-time").waitFor(patiently);
    await look("healed", await find("antiEntropy"), 400, 600);
  });

  it("is measured by agreement and convergence instead of elections", async () => {
    await editor.runCommand("Agent Mesh: View Metrics");
    const metrics = await editor.webviewFrame("Metrics", "editor");
    const main = metrics.locator("main");
    await until(editor.page, "the chart of agreement", async () => /Agreement/.test(await main.innerText(briefly)));
    const text = await main.innerText();
    assert.match(text, /Convergence time/);
    noLeader(text.replaceAll(/elected/g, ""));
    await inThemes("gossip-5-metrics");
    await metrics.locator("#chart-agreement").scrollIntoViewIfNeeded();
    await editor.screenshot("gossip-6-metrics-agreement-dark");
  });

  it("takes an agent in that is asked for nothing but its id, and lets it go again", async () => {
    await editor.runCommand("Agent Mesh: Add Agent");
    assert.equal(await editor.quickInput.prompt(), "Add Agent to quick-mesh-5: its id");
    await editor.quickInput.type("helper");
    await editor.notifications.waitFor(/helper is in quick-mesh-5 and votes: it has caught up with the others/, 30_000);
    await agents().item(/^helper peer/);
    await agents().contextMenu("helper", "Remove Agent");
    const dialog = editor.page.locator(".monaco-dialog-box");
    await until(editor.page, "the question", async () =>
      /Remove helper from quick-mesh-5\?/.test(await dialog.innerText(briefly)),
    );
    await dialog.getByRole("button", { name: "Remove", exact: true }).click();
    await editor.notifications.waitFor(/helper has left quick-mesh-5\. 5 agents vote now/, 30_000);
    await agents().untilItems("five agents", (all) => all.length === 5);
  });
});
