import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ActiveFault } from "../../../server/contract/faults.ts";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import type { TopologyView } from "../../../webview/topology/topology-view.ts";
import { makeFault, makeSwarm } from "../harness/swarm-data.ts";
import { THEMES } from "../harness/theme-variables.ts";
import { groupsOf, labelsOf, openTopology, overlapping, pointOf, settled } from "../harness/topology-page.ts";
import type { OpenOptions, WebviewPage } from "../harness/webview-page.ts";
import { webviews } from "../harness/webviews.ts";

const SIDEBAR = { width: 300, height: 640 };

const TROUBLED: readonly ActiveFault[] = [
  makeFault("f1", { kind: "crash", agent: "a7" }, ["a7"], "a7 crashed"),
  makeFault("f2", { kind: "pause", agent: "a9" }, ["a9"], "a9 paused"),
  makeFault("f3", { kind: "slow", a: "a3", b: "a4", delayMs: 80 }, ["a3", "a4"], "a3 – a4 slow by 80 ms"),
  makeFault("f4", { kind: "lossy", a: "a5", b: "a6", loss: 0.4 }, ["a5", "a6"], "a5 – a6 loses 40 %"),
];

/** So many pixels at the ends of a line may be blended otherwise where only a part of it is painted. */
const BLENDED_PX = 4;

/** As many links as three for each agent. */
function linked(agents: number, faults: readonly ActiveFault[] = TROUBLED, revision = 1): SwarmView {
  return makeSwarm({ agents, topology: "links", links: agents === 12 ? 10 : 2 * agents + 1, faults, revision });
}

describe("the topology view of many agents", function () {
  this.timeout(60_000);
  let view: WebviewPage;
  const harness = webviews(() => view);

  const show = async (swarm: SwarmView, options: OpenOptions = {}): Promise<void> => {
    view = await openTopology(harness, swarm, options);
  };

  const press = async (title: string): Promise<void> => {
    await view.page.getByTitle(title, { exact: true }).click();
    await settled(view);
  };

  const closedGroups = async (): Promise<readonly { readonly id: string; readonly name: string }[]> =>
    (await groupsOf(view)).filter(({ closed }) => closed);

  const choose = async (agent: string): Promise<void> => {
    await view.page.evaluate((id) => {
      const topology = document.querySelector<TopologyView>("am-topology");
      if (topology) topology.selected = { kind: "agent", agent: id };
    }, agent);
    await settled(view);
  };

  for (const agents of [12, 100, 1000]) {
    for (const [place, size] of [
      ["editor", { width: 1280, height: 800 }],
      ["sidebar", SIDEBAR],
    ] as const) {
      it(`writes no label over another with ${agents} agents in the ${place}, and names who leads and who is in trouble`, async () => {
        await show(linked(agents), size);
        assert.deepEqual(await view.clipped(".bar *, .legend *"), []);
        for (const theme of THEMES) {
          await view.setTheme(theme);
          assert.deepEqual(overlapping(await labelsOf(view)), []);
          await view.screenshot(`topology-${agents}-${place}-${theme}`);
        }
        await view.setTheme("dark");
        if (agents > 12) await press("Open All Groups");
        const labels = await labelsOf(view);
        assert.deepEqual(overlapping(labels), []);
        for (const agent of ["a2", "a7", "a9"])
          assert.ok(
            labels.some(({ text }) => text === agent),
            `${agent} is named`,
          );
        await view.screenshot(`topology-${agents}-${place}-open-dark`);
      });
    }
  }

  it("finds labels that cover each other", () => {
    const label = { size: 12, weight: "400", ink: "muted", plate: false, of: "", x: 0, y: 0 } as const;
    const box = { x: 10, y: 10, width: 20, height: 10 };
    const found = overlapping([
      { ...label, text: "a", box },
      { ...label, text: "b", box: { ...box, x: 25 } },
      { ...label, text: "c", box: { ...box, x: 50 } },
    ]);
    assert.deepEqual(found, ["a and b"]);
  });

  it("names fewer agents the less room there is, and each once one zooms in", async () => {
    await show(linked(100, []));
    const named = async (): Promise<number> => (await labelsOf(view)).filter(({ text }) => /^a\d+$/.test(text)).length;
    await press("Open All Groups");
    const fitting = await named();
    await view.page.locator(".picture").focus();
    for (let i = 0; i < 6; i++) await view.page.keyboard.press("-");
    await settled(view);
    assert.equal(await named(), 1, "of dots the leader alone is named");
    await view.page.keyboard.press("0");
    await settled(view);
    assert.equal(await named(), fitting);
    assert.ok(fitting > 40, `${fitting} are named`);
  });

  it("draws a hundred agents in an editor one by one, and in a sidebar in groups", async () => {
    await show(linked(100, []));
    assert.deepEqual(await closedGroups(), []);
    await view.close();
    await show(linked(100, []), SIDEBAR);
    const groups = await groupsOf(view);
    assert.ok(groups.length > 5 && groups.every(({ closed }) => closed));
  });

  it("opens a group by a click and closes it by its button, says which are open, and merges links with their number", async () => {
    await show(linked(1000));
    const before = await closedGroups();
    const group = before.find(({ id }) => id === "group:a1")!;
    const bundles = (await labelsOf(view)).filter(({ text }) => /^\d+ links/.test(text));
    assert.ok(bundles.length > 5, "merged links say how many they are");
    const at = await pointOf(view, group.id);
    await view.page.mouse.click(at!.x, at!.y);
    await view.page.locator(".details h2", { hasText: group.name }).waitFor();
    await settled(view);
    assert.equal((await closedGroups()).length, before.length - 1);
    assert.notEqual(await pointOf(view, "a1"), null, "its agents are drawn");
    const card = await view.page.locator(".details").innerText();
    assert.match(card, /State\s+1 failed, 1 suspected, 4 with faults\s+Leader\s+a2\s+Links inside\s+\d+/);
    assert.match(
      await view.page.locator(".chosen").innerText(),
      new RegExp(`group ${group.name.replace("+", "\\+")}, \\d+ agents, open`),
    );
    await view.screenshot("topology-1000-group-open-dark");
    await view.page.getByRole("button", { name: "Close Group" }).click();
    await settled(view);
    assert.equal((await closedGroups()).length, before.length);
    assert.equal(await pointOf(view, "a1"), null);
  });

  it("opens and closes groups by keyboard", async () => {
    await show(linked(1000));
    const count = (await closedGroups()).length;
    await view.page.locator(".picture").focus();
    await view.page.keyboard.press("ArrowRight");
    await view.page.getByRole("button", { name: "Open Group" }).waitFor();
    await view.page.keyboard.press("Enter");
    await settled(view);
    assert.equal((await closedGroups()).length, count - 1);
    await view.page.keyboard.press("Enter");
    await settled(view);
    assert.equal((await closedGroups()).length, count);
    await view.page.keyboard.press("Enter");
    await settled(view);
    await view.page.keyboard.press("ArrowRight");
    await choose("a1");
    await view.page.keyboard.press("Backspace");
    await settled(view);
    assert.equal((await closedGroups()).length, count);
    assert.match(await view.page.locator(".chosen").innerText(), /group .*closed/);
  });

  it("opens all and closes all, keeps what is open through changes of the swarm, and when the view comes back", async () => {
    await show(linked(1000));
    await press("Open All Groups");
    assert.deepEqual(await closedGroups(), []);
    await press("Close All Groups");
    const count = (await closedGroups()).length;
    await choose("a500");
    const shut = await closedGroups();
    assert.equal(shut.length, count - 1, "an agent that is chosen is shown");
    const grown = linked(1000, [], 2);
    const newcomer = { ...grown.agents[0]!, id: "a1001" };
    const link = { ...grown.links[0]!, a: "a500", b: "a1001" };
    await view.send({
      type: "swarmChanged",
      swarm: { ...grown, agents: [...grown.agents, newcomer], links: [...grown.links, link] },
    });
    await view.frames(2);
    await settled(view);
    assert.deepEqual(await closedGroups(), shut);
    assert.notEqual(await pointOf(view, "a1001"), null, "the newcomer is in the open group");
    const state = await view.page.evaluate(() => (window as unknown as { harnessState: object }).harnessState);
    await view.close();
    await show(linked(1000, []), { state });
    assert.deepEqual(
      (await closedGroups()).map(({ id }) => id),
      shut.map(({ id }) => id),
    );
  });

  it("draws 1,000 agents and 3,000 links in under 100 ms, each by itself", async () => {
    await show(makeSwarm({ agents: 1000, topology: "links", links: 2001 }), { width: 1400, height: 900 });
    await press("Open All Groups");
    const times = await view.page.evaluate(async () => {
      const topology = document.querySelector<TopologyView>("am-topology");
      const canvas = topology?.querySelector("canvas");
      const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      const found: number[] = [];
      for (let i = 0; i < 9; i++) {
        topology?.graph?.zoom(i % 2 === 0 ? 1.01 : 1 / 1.01);
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        const startedAt = performance.now();
        if (canvas) pixel?.drawImage(canvas, 0, 0, 1, 1);
        pixel?.getImageData(0, 0, 1, 1); // waits until it is drawn, not only asked for
        found.push((topology?.drawMs ?? Number.NaN) + performance.now() - startedAt);
      }
      return found.sort((a, b) => a - b);
    });
    const painted = await view.page.evaluate(() => document.querySelector<TopologyView>("am-topology")?.graph?.painted);
    assert.deepEqual(painted, { links: 3000, agents: 1000, whole: true });
    console.log(
      `      1,000 agents, 3,000 links: least ${times[0]?.toFixed(1)} ms, median ${times[4]?.toFixed(1)} ms, longest ${times[8]?.toFixed(1)} ms`,
    );
    assert.ok((times[4] ?? 1000) < 100, `median ${times[4]} ms`);
  });

  it("paints only what changed when one agent's state does, and that as if all were painted", async () => {
    const swarm = makeSwarm({ agents: 1000, topology: "links", links: 2001 });
    await show(swarm, { width: 1400, height: 900, state: { groups: "open" } });
    /** The canvas as a person sees it, kept in the page under the name that is returned. */
    const shown = async (): Promise<string> =>
      view.page.evaluate(() => {
        const canvas = document.querySelector<TopologyView>("am-topology")?.querySelector("canvas");
        const copy = document.createElement("canvas");
        Object.assign(copy, { width: canvas?.width ?? 0, height: canvas?.height ?? 0 });
        const context = copy.getContext("2d", { willReadFrequently: true });
        if (!canvas || !context) return "";
        context.fillStyle = "#1e1e1e";
        context.fillRect(0, 0, copy.width, copy.height);
        context.drawImage(canvas, 0, 0);
        const kept = window as unknown as Record<string, Uint8ClampedArray>;
        const name = `shown${performance.now()}`;
        kept[name] = context.getImageData(0, 0, copy.width, copy.height).data;
        return name;
      });
    /** In how many pixels the canvas differs from what was kept: how the edges of lines are blended within a part is none. */
    const differing = async (before: string): Promise<number> => {
      const names = [before, await shown()] as const;
      return view.page.evaluate(([one, other]) => {
        const kept = window as unknown as Record<string, Uint8ClampedArray>;
        const [a, b] = [kept[one]!, kept[other]!];
        let found = 0;
        for (let i = 0; i < a.length; i += 4)
          if ([0, 1, 2].some((channel) => Math.abs(a[i + channel]! - b[i + channel]!) > 32)) found++;
        return found;
      }, names);
    };
    const update = async (
      agent: string,
      revision: number,
      change: object,
    ): Promise<{ links: number; agents: number; whole: boolean; differing: number }> => {
      const agents = swarm.agents.map((one) => (one.id === agent ? { ...one, ...change } : one));
      await view.send({ type: "swarmChanged", swarm: { ...swarm, agents, revision } });
      await view.frames(2);
      const before = await shown();
      const painted = await view.page.evaluate(() => {
        const graph = document.querySelector<TopologyView>("am-topology")?.graph;
        const parts = graph?.painted;
        graph?.redraw();
        return parts ?? { links: 0, agents: 0, whole: true };
      });
      return { ...painted, differing: await differing(before) };
    };
    const paused = await update("a500", 2, { process: "paused", health: "suspected", suspectedBy: ["a1"] });
    console.log(`      one of 1,000 agents paused: ${paused.agents} agents and ${paused.links} links painted`);
    assert.equal(paused.whole, false);
    assert.ok(paused.agents < 60 && paused.links < 300, JSON.stringify(paused));
    assert.ok(paused.differing <= BLENDED_PX, `${paused.differing} pixels are not as painted whole`);
    const healed = await update("a500", 3, {});
    assert.ok(!healed.whole && healed.differing <= BLENDED_PX, JSON.stringify(healed));
    const nothing = await update("a500", 4, { cpu: 0.5 });
    assert.deepEqual([nothing.agents, nothing.links, nothing.whole], [0, 0, false], "what is not drawn paints nothing");
    const before = await shown();
    await view.page.evaluate(() => {
      const context = document.querySelector<TopologyView>("am-topology")?.querySelector("canvas")?.getContext("2d");
      if (context) context.fillStyle = "red";
      context?.fillRect(300, 300, 3, 3);
    });
    assert.equal(await differing(before), 9, "the comparison sees nine pixels");
  });

  it("lists all in its tables, draws the rows in sight, and filters them by words and by state", async () => {
    await show(linked(1000), { state: { table: true } });
    const rows = view.page.locator("am-table.agents tbody tr[data-key]");
    const count = (table: string): Promise<string | null> =>
      view.page.locator(`am-table.${table} table`).getAttribute("aria-rowcount");
    assert.deepEqual([await count("agents"), await count("links")], ["1001", "3001"]);
    assert.ok((await rows.count()) < 120, "rows exist of 1,000");
    await rows.first().focus();
    await view.page.keyboard.press("End");
    await view.page.locator("am-table.agents tr[data-key=a1000]:focus").waitFor();
    const words = view.page.getByRole("search").getByRole("textbox");
    await words.fill("a17");
    assert.equal(await count("agents"), "2", "a17 is not a170");
    assert.equal(await rows.first().getAttribute("data-key"), "a17");
    await words.fill("PAUSED");
    assert.deepEqual([await count("agents"), await rows.first().getAttribute("data-key")], ["2", "a9"]);
    await words.fill("");
    await view.page.getByRole("combobox", { name: "Filter by state" }).click();
    await view.page.getByRole("option", { name: "Anything wrong" }).click();
    assert.match(
      await view.page.locator(".filter [role=status]").innerText(),
      /6 of 1,?000 agents, \d+ of 3,?000 links/,
    );
    assert.equal(await count("agents"), "7");
    await view.screenshot("topology-1000-table-filtered-dark");
    await words.fill("nobody");
    await view.page.getByText("No agent is like that.").waitFor();
    await words.fill("");
    await view.page.getByRole("combobox", { name: "Filter by state" }).click();
    await view.page.getByRole("option", { name: "Any state" }).click();
    assert.equal(await count("agents"), "1001");
  });

  it("places agents on a ring when asked to, says what that is, what each has of it, and remembers it", async () => {
    await show(linked(12, []));
    const choice = view.page.getByRole("combobox", { name: "Layout" });
    assert.match(
      (await view.page.locator("vscode-single-select.layout").getAttribute("title")) ?? "",
      /hash of each agent's id.*nothing is stored by it/,
    );
    await choice.click();
    await view.page.getByRole("option", { name: "Ring" }).click();
    await settled(view);
    const points = await Promise.all(linked(12).agents.map(({ id }) => pointOf(view, id)));
    const centre = { x: 0, y: 0 };
    const [p, q, r] = points as { x: number; y: number }[];
    const [a, b] = [p!.x - q!.x, p!.y - q!.y];
    const [c, d] = [p!.x - r!.x, p!.y - r!.y];
    const e = (p!.x ** 2 - q!.x ** 2 + p!.y ** 2 - q!.y ** 2) / 2;
    const f = (p!.x ** 2 - r!.x ** 2 + p!.y ** 2 - r!.y ** 2) / 2;
    centre.x = (d * e - b * f) / (a * d - b * c);
    centre.y = (a * f - c * e) / (a * d - b * c);
    const radii = points.map((at) => Math.hypot(at!.x - centre.x, at!.y - centre.y));
    assert.ok(Math.max(...radii) - Math.min(...radii) < 1, `all stand on one circle: ${radii.map(Math.round)}`);
    assert.match(await view.page.locator(".legend").innerText(), /ring: clockwise.*nothing is stored by it/);
    await choose("a3");
    assert.match(
      await view.page.locator(".details").innerText(),
      /Ring\s+at [\d.]+ %, [\d.]+ % of the hash range, next is a\d+/,
    );
    await view.screenshot("topology-12-ring-dark");
    const state = await view.page.evaluate(() => (window as unknown as { harnessState: object }).harnessState);
    await view.close();
    await show(linked(12, []), { state });
    assert.match(await view.page.locator(".legend").innerText(), /ring: clockwise/);
    await view.page.getByTitle("Table", { exact: true }).click();
    const shares = await view.page.evaluate(() =>
      [...document.querySelectorAll("am-table.agents tbody tr[data-key]")].map((row) =>
        Number.parseFloat(row.querySelector("td:last-child")?.textContent ?? ""),
      ),
    );
    const sum = shares.reduce((total, share) => total + share, 0);
    assert.ok(Math.abs(sum - 100) < 1, `the shares of the table are ${sum} % together`);
  });

  for (const [agents, size] of [
    [100, { width: 1280, height: 800 }],
    [1000, { width: 1280, height: 800 }],
    [1000, SIDEBAR],
  ] as const) {
    it(`writes no label over another on a ring of ${agents} in ${size.width} pixels`, async () => {
      await show(linked(agents, []), { ...size, state: { layout: "ring" } });
      for (const theme of ["light", "highContrast", "dark"] as const) {
        await view.setTheme(theme);
        assert.deepEqual(overlapping(await labelsOf(view)), []);
        await view.screenshot(`topology-ring-${agents}-${size.width}-${theme}`);
      }
      assert.deepEqual(await view.clipped(".bar *"), []);
      assert.ok((await closedGroups()).every(({ name }) => / %$/.test(name)));
    });
  }
});
