import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ActiveFault, FaultSpec } from "../../../server/contract/faults.ts";
import type { TopologyView } from "../../../webview/topology/topology-view.ts";
import { countPixels } from "../harness/pixels.ts";
import { makeFault, makeSwarm } from "../harness/swarm-data.ts";
import { THEMES, type ThemeName, themeVariables } from "../harness/theme-variables.ts";
import type { OpenOptions, WebviewPage } from "../harness/webview-page.ts";
import { webviews } from "../harness/webviews.ts";

const CANVAS = ".picture canvas";
/** What marks are made of: the rim of agents' troubles, and the ink of what is on links. */
const inkOf = (theme: ThemeName, chart: "red" | "orange"): string =>
  new Map(themeVariables(theme)).get(`--vscode-charts-${chart}`) ?? "";

const TROUBLES: readonly (readonly [FaultSpec, string, string])[] = [
  [{ kind: "byzantine", agent: "a1", behaviour: "equivocate" }, "a1 lies: equivocate", "lies"],
  [{ kind: "cpu", agent: "a3", slowdown: 4 }, "a3: 4 times as slow", "slow"],
  [{ kind: "clock", agent: "a4", skewMs: 500 }, "a4: clock 500 ms ahead", "wrong clock"],
  [{ kind: "disk", agent: "a5", disk: { trouble: "slow", delayMs: 40 } }, "a5: disk slow by 40 ms", "bad disk"],
];

describe("faults in the topology view", function () {
  this.timeout(30_000);
  let view: WebviewPage;
  const harness = webviews(() => view);

  async function show(faults: readonly ActiveFault[], options: OpenOptions = {}): Promise<void> {
    view = await harness.open("topology", options);
    const swarm = makeSwarm({ agents: 5, faults });
    await view.send({ type: "snapshot", view: "topology", swarm, swarms: [], trusted: true });
    if ((options.state as { table?: boolean } | undefined)?.table === true) return;
    await view.page.waitForFunction(() => {
      const graph = document.querySelector<TopologyView>("am-topology")?.graph;
      return graph?.pointOf("a5") != null;
    });
    await view.frames(3);
  }

  const troubled = (): readonly ActiveFault[] =>
    TROUBLES.map(([spec, title], i) => makeFault(`f${i + 1}`, spec, ["agent" in spec ? spec.agent : ""], title));

  const chooseLink = async (a: string, b: string): Promise<void> => {
    await view.page.evaluate(
      ([from, to]) => {
        const topology = document.querySelector<TopologyView>("am-topology");
        if (topology) topology.selected = { kind: "link", link: `${from}\u2013${to}` };
      },
      [a, b],
    );
    await view.page.locator(".details").waitFor();
  };

  it("marks agents that lie, are slow, have a wrong clock or a bad disk, in every theme, and others not", async () => {
    await show([]);
    assert.ok((await countPixels(view, CANVAS, inkOf("dark", "red"))) < 5, "nothing is marked where nothing is wrong");
    await view.close();
    await show(troubled());
    for (const theme of THEMES) {
      await view.setTheme(theme);
      assert.ok((await countPixels(view, CANVAS, inkOf(theme, "red"))) > 4 * 25, theme);
      await view.screenshot(`topology-troubles-${theme}`);
    }
  });

  it("says the same in words: in the table, on the card, in the legend", async () => {
    await show(troubled(), { state: { table: true, legend: true } });
    const state = (agent: string) => view.page.locator(`am-table.agents tr[data-key=${agent}] td`).first().innerText();
    for (const [spec, , words] of TROUBLES)
      assert.match(await state("agent" in spec ? spec.agent : ""), new RegExp(`follower, ${words}$`));
    assert.equal(await state("a2"), "leader");
    await view.page.locator("am-table.agents tr[data-key=a1]").click();
    assert.match(await view.page.locator(".details").innerText(), /State\s+follower, lies[\s\S]*a1 lies: equivocate/);
    const legend = await view.page.locator(".legend").innerText();
    for (const [, , words] of TROUBLES) assert.ok(legend.includes(words), words);
    assert.match(legend, /fault on what is sent this way[\s\S]*message rule/);
    for (const table of ["agents", "links"]) {
      const hidden = await view.page
        .locator(`am-table.${table} .table-scroller`)
        .evaluate((scroller) => scroller.scrollWidth - scroller.clientWidth);
      assert.ok(hidden <= 0, `${hidden} pixels of the ${table} cannot be seen`);
    }
    await view.screenshot("topology-troubles-table-dark");
  });

  it("marks the way of a link that a toxic or a message rule is on, in every theme", async () => {
    const toxic: FaultSpec = {
      kind: "link",
      a: "a1",
      b: "a2",
      direction: "in",
      toxics: [{ toxic: "corrupt", share: 0.1 }],
    };
    const rule: FaultSpec = { kind: "message", match: { from: "a3", to: "a4" }, action: { action: "drop" } };
    await show([]);
    const before = await countPixels(view, CANVAS, inkOf("dark", "orange"));
    await view.close();
    await show([
      makeFault("f1", toxic, ["a1", "a2"], "a2 → a1: 10 % of frames damaged"),
      makeFault("f2", rule, ["a3", "a4"], "Every message from a3 to a4 dropped"),
    ]);
    for (const theme of THEMES) {
      await view.setTheme(theme);
      assert.ok((await countPixels(view, CANVAS, inkOf(theme, "orange"))) > before + 60, theme);
      await view.screenshot(`topology-ways-${theme}`);
    }
    await view.page.getByTitle("Table").click();
    const ways = async (link: string): Promise<string> =>
      (await view.page.locator(`am-table.links tr[data-key="${link}"] td`).last().innerText()).trim();
    assert.deepEqual([await ways("a1–a2"), await ways("a3–a4"), await ways("a1–a3")], ["a2 → a1", "a3 → a4", ""]);
  });

  it("tells on a link's card what is on each way, and heals it there", async () => {
    const both: FaultSpec = { kind: "slow", a: "a1", b: "a2", delayMs: 80 };
    const back: FaultSpec = { kind: "message", match: { from: "a2", to: "a1" }, action: { action: "corrupt" } };
    await show(
      [
        makeFault("f1", both, ["a1", "a2"], "a1 – a2 slow by 80 ms"),
        makeFault("f2", back, ["a1", "a2"], "Every message from a2 to a1 damaged"),
      ],
      { answer: () => ({ healed: ["f2"] }) },
    );
    await chooseLink("a1", "a2");
    assert.match(
      await view.page.locator(".details").innerText(),
      /Both ways\s+a1 – a2 slow by 80 ms\s+Heal\s+a2 → a1\s+Every message from a2 to a1 damaged\s+Heal/,
    );
    await view.screenshot("topology-link-card-dark");
    await view.page.getByRole("list", { name: "Active faults, a2 → a1" }).getByRole("button", { name: "Heal" }).click();
    const heal = await view.received((message) => message.type === "request" && message.method === "healFault");
    assert.deepEqual(heal.type === "request" && heal.params, { swarm: "swarm-1", fault: "f2" });
    await chooseLink("a1", "a3");
    assert.doesNotMatch(await view.page.locator(".details").innerText(), /Both ways\s+a1|Heal/);
  });

  it("offers message rules on a link, one way, the other, or both, by mouse and keyboard", async () => {
    await show([]);
    await chooseLink("a1", "a3");
    const buttons = view.page.getByRole("group", { name: "Message rule" }).locator("vscode-button");
    assert.deepEqual(await buttons.allInnerTexts(), ["a1 → a3…", "a3 → a1…", "Both ways…"]);
    await buttons.nth(0).click();
    await buttons.nth(1).focus();
    await view.page.keyboard.press("Enter");
    await buttons.nth(2).click();
    const asked = view.messages.filter((message) => message.type === "command");
    assert.deepEqual(
      asked.map(({ command, argument }) => [command, argument]),
      [
        ["agentMesh.injectFailure", { swarm: "swarm-1", message: { from: "a1", to: "a3" } }],
        ["agentMesh.injectFailure", { swarm: "swarm-1", message: { from: "a3", to: "a1" } }],
        ["agentMesh.injectFailure", { swarm: "swarm-1", message: { from: "a1", to: "a3", bothWays: true } }],
      ],
    );
  });

  it("fits into a sidebar of 300 pixels without cutting any text off", async () => {
    const rule: FaultSpec = { kind: "message", match: { from: "a1", to: "a3" }, action: { action: "drop" } };
    await show([...troubled(), makeFault("f9", rule, ["a1", "a3"], "Every message from a1 to a3 dropped")], {
      width: 300,
      height: 640,
    });
    await view.screenshot("topology-troubles-narrow-dark");
    await chooseLink("a1", "a3");
    assert.deepEqual(await view.clipped(".bar *, .details *, .legend *"), []);
    await view.screenshot("topology-link-card-narrow-dark");
  });
});
