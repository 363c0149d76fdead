import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { LinkView, SwarmView } from "../../../server/contract/swarm.ts";
import { linkId, linkStyle } from "../../../webview/topology/link-style.ts";
import type { TopologyView } from "../../../webview/topology/topology-view.ts";
import { countPixels } from "../harness/pixels.ts";
import { gossipSwarm, makeFault, makeSwarm, pbftSwarm } from "../harness/swarm-data.ts";
import { eventually, type OpenOptions, type WebviewPage } from "../harness/webview-page.ts";
import { webviews } from "../harness/webviews.ts";

const CANVAS = ".picture canvas";
const DARK = { star: "#cca700", disc: "#3794ff", cut: "#f14c4c" };

describe("the topology view", function () {
  this.timeout(30_000);
  let view: WebviewPage;
  const harness = webviews(() => view);

  async function show(swarm: SwarmView | null, options: OpenOptions = {}, trusted = true): Promise<void> {
    view = await harness.open("topology", options);
    const swarms = swarm === null ? [] : [{ id: swarm.id, name: swarm.name }];
    await view.send({ type: "snapshot", view: "topology", swarm, swarms, trusted });
    await view.frames(2);
    if (swarm !== null) await placed();
  }

  /** Waits until the layout has arrived and agents stand still. */
  async function placed(): Promise<void> {
    await view.page.waitForFunction(() => {
      const topology = document.querySelector<TopologyView>("am-topology");
      const agent = topology?.swarm?.agents[0]?.id;
      const at = agent === undefined ? null : topology?.graph?.pointOf(agent);
      const last = (window as unknown as { last?: string }).last;
      const now = at ? `${at.x} ${at.y}` : undefined;
      Object.assign(window, { last: now });
      return now !== undefined && now === last;
    });
  }

  async function pointOf(agent: string): Promise<{ x: number; y: number }> {
    const at = await view.page.evaluate((id) => {
      const topology = document.querySelector<TopologyView>("am-topology");
      const box = topology?.querySelector(".picture")?.getBoundingClientRect();
      const point = topology?.graph?.pointOf(id);
      return box && point ? { x: box.left + point.x, y: box.top + point.y } : null;
    }, agent);
    assert.ok(at !== null, `${agent} is shown`);
    return at;
  }

  const context = async (): Promise<unknown> =>
    JSON.parse((await view.page.locator("am-topology").getAttribute("data-vscode-context")) ?? "null");

  it("draws a star for the leader and discs for followers, and says the same in words", async () => {
    await show(makeSwarm({ agents: 5 }));
    assert.ok((await countPixels(view, CANVAS, DARK.star)) > 150);
    assert.ok((await countPixels(view, CANVAS, DARK.disc)) > 4 * 150);
    assert.match(await view.page.locator(".health").innerText(), /5\/5 agents, leader a2, term 3/);
    assert.match((await view.page.locator(".picture").getAttribute("aria-label")) ?? "", /5 of 5 agents alive/);
    await view.screenshot("topology-5-dark");
  });

  it("draws a small world and a k-regular graph on their ring, one agent beside the next, with their shortcuts across", async () => {
    for (const [topology, agents] of [
      ["small-world", 24],
      ["k-regular", 12],
    ] as const) {
      await show(makeSwarm({ agents, topology }), { width: 800, height: 800 });
      // At one moment; a few pixels more or less do not matter.
      const points = await view.page.evaluate(() => {
        const shown = document.querySelector<TopologyView>("am-topology");
        return shown?.swarm?.agents.map(({ id }) => shown.graph?.pointOf(id)) ?? [];
      });
      assert.equal(points.length, agents);
      const steps = points.map((here, at) => {
        const next = points[(at + 1) % agents];
        return here && next ? Math.hypot(here.x - next.x, here.y - next.y) : 0;
      });
      const [least, most] = [Math.min(...steps), Math.max(...steps)];
      assert.ok(least > 40 && most < least * 1.2, `${topology}: neighbours are ${least} to ${most} pixels apart`);
      await view.screenshot(`topology-${topology}-dark`);
      if (topology === "small-world") await view.close();
    }
  });

  it("draws a PBFT swarm as a Raft one, with a mask where an agent was caught lying, and says it in PBFT's words", async () => {
    await show(pbftSwarm());
    assert.ok((await countPixels(view, CANVAS, DARK.star)) > 150);
    assert.ok((await countPixels(view, CANVAS, DARK.cut)) > 10, "the mask's rim");
    await view.screenshot("topology-pbft-dark");
    const legend = await view.page.locator("ul.legend").innerText();
    assert.match(legend, /primary.*view change.*backup.*lies/s);
    assert.doesNotMatch(legend, /candidate|learner|leader/);
    await view.page.getByTitle("Table").click();
    const agents = await view.page.locator("am-table.agents").innerText();
    assert.match(agents, /View/);
    assert.match(agents, /primary.*backup, lies.*view change/s);
    assert.match(agents, /Reputation.*a3[^\n]*\b0\.50\b/s);
    assert.doesNotMatch(agents, /Term|leader|follower/);
  });

  it("says in the details of a liar what is proved of it and who found that, and of others nothing", async () => {
    await show(pbftSwarm());
    const card = async (agent: string): Promise<string> => {
      await view.page.evaluate((id) => {
        const topology = document.querySelector<TopologyView>("am-topology");
        if (topology) topology.selected = { kind: "agent", agent: id };
      }, agent);
      await view.page.locator(".details h2", { hasText: agent }).waitFor();
      return view.page.locator(".details").innerText();
    };
    assert.match(await card("a3"), /Lies\s+a3 signed two prepares for view 3, sequence 41; found by a4/);
    assert.match(await card("a3"), /Reputation\s+0\.50, lowest 0\.24 \(a4\): 2 proofs of lying/);
    assert.doesNotMatch(await card("a1"), /Lies/);
    assert.match(await card("a1"), /Reputation\s+0\.99\s/);
  });

  it("draws peers as plain discs, says how much all have of what each has, and knows no leader, term or quorum", async () => {
    await show(gossipSwarm());
    assert.ok((await countPixels(view, CANVAS, DARK.star)) < 10);
    assert.ok((await countPixels(view, CANVAS, DARK.disc)) > 5 * 150);
    await view.screenshot("topology-gossip-dark");
    await view.setTheme("light");
    await view.screenshot("topology-gossip-light");
    await view.setTheme("dark");
    const legend = await view.page.locator("ul.legend").innerText();
    assert.match(legend, /peer/);
    const card = async (agent: string): Promise<string> => {
      await view.page.evaluate((id) => {
        const topology = document.querySelector<TopologyView>("am-topology");
        if (topology) topology.selected = { kind: "agent", agent: id };
      }, agent);
      await view.page.locator(".details h2", { hasText: agent }).waitFor();
      return view.page.locator(".details").innerText();
    };
    const sure = await card("a5");
    assert.match(sure, /Agreement\s+1: all 5 have what it has/);
    assert.match(sure, /Not known everywhere\s+nothing of its own/);
    assert.match(sure, /Converged\s+not since it started/);
    await view.send({ type: "swarmChanged", swarm: { ...gossipSwarm(true), revision: 2 } });
    await view.frames(3);
    await placed();
    const behind = await card("a1");
    assert.match(behind, /Agreement\s+0\.94: 2 of 5 are known to have what it has/);
    assert.match(behind, /Not known everywhere\s+2 of its own writes/);
    for (const theme of ["light", "dark"] as const) {
      await view.setTheme(theme);
      await view.screenshot(`topology-gossip-cut-${theme}`);
    }
    await view.page.getByTitle("Table").click();
    const agents = await view.page.locator("am-table.agents").innerText();
    await view.screenshot("topology-gossip-table-dark");
    assert.match(agents, /a1\s+peer, held for failed\s+0\.94\s+2 of 5\s+2/);
    assert.match(agents, /a3\s+peer\s+1\s+all\s+0/);
    for (const words of [legend, sure, behind, agents])
      assert.doesNotMatch(words, /\bterm\b|leader|candidate|learner|quorum|voter|slots/i);
  });

  it("draws no star when nobody leads (so that the check above can fail)", async () => {
    await show(makeSwarm({ agents: 5, leader: null }));
    assert.ok((await countPixels(view, CANVAS, DARK.star)) < 10);
  });

  it("follows changes, and ignores one that is older than what it shows", async () => {
    await show(makeSwarm({ agents: 5, revision: 5 }));
    await view.send({ type: "swarmChanged", swarm: makeSwarm({ agents: 5, leader: "a4", revision: 6 }) });
    await view.send({ type: "swarmChanged", swarm: makeSwarm({ agents: 5, leader: "a1", revision: 4 }) });
    await view.frames(3);
    assert.match(await view.page.locator(".health").innerText(), /leader a4/);
  });

  it("shows the agents and links as tables, sorted on demand, with their context menus", async () => {
    const crash = makeFault("f1", { kind: "crash", agent: "a4" }, ["a4"], "a4 crashed");
    await show(makeSwarm({ agents: 12, faults: [crash] }));
    await view.page.getByTitle("Table").click();
    const rows = view.page.locator("am-table.agents tbody tr");
    assert.equal(await rows.count(), 12);
    assert.match(await rows.nth(3).innerText(), /a4\s+crashed/);
    assert.match(await rows.nth(1).innerText(), /a2\s+leader\s+3/);
    await view.page.getByTitle("Sort by Agent").click();
    await view.page.getByTitle("Sort by Agent").click();
    assert.match(await rows.nth(0).innerText(), /^\s*a12/);
    assert.equal(await view.page.locator("am-table.links tbody").count(), 1);
    const menu = JSON.parse((await rows.nth(0).getAttribute("data-vscode-context")) ?? "null");
    assert.deepEqual([menu.webviewSection, menu.agent, menu.swarm], ["agent", "a12", "swarm-1"]);
    await rows.nth(0).press("ArrowDown");
    await view.page.keyboard.press("Enter");
    assert.match(await view.page.locator(".details h2").innerText(), /a11/);
    await view.screenshot("topology-12-table-dark");
    assert.equal(
      (await view.page.evaluate(() => (window as unknown as { harnessState: { table: boolean } }).harnessState)).table,
      true,
    );
  });

  it("says how many of a link's frames faults drop, delay and damage: in the table, on its card, and on the link", async () => {
    const spec = { kind: "link", a: "a1", b: "a2", toxics: [{ toxic: "corrupt", share: 0.02 }] } as const;
    const damaged = makeFault("f1", spec, ["a1", "a2"], "a1–a2 damages 2 %");
    const slow = makeFault("f2", { kind: "slow", a: "a1", b: "a2", delayMs: 80 }, ["a1", "a2"], "a1–a2 is slow");
    const lossy = makeFault("f3", { kind: "lossy", a: "a1", b: "a3", loss: 0.3 }, ["a1", "a3"], "a1–a3 loses 30 %");
    await show(makeSwarm({ agents: 3, faults: [damaged, slow, lossy] }));
    await view.screenshot("topology-3-faulted-dark");
    await view.page.getByTitle("Table").click();
    const shares = async (link: string): Promise<string[]> => {
      const cells = view.page.locator(`am-table.links tr[data-key="${link}"] td`);
      return (await cells.allInnerTexts()).slice(-4, -1).map((text) => text.trim());
    };
    assert.deepEqual(
      [await shares("a1–a2"), await shares("a1–a3"), await shares("a2–a3")],
      [
        ["0 %", "100 %", "2 %"],
        ["30 %", "0 %", "0 %"],
        ["0 %", "0 %", "0 %"],
      ],
    );
    for (const table of ["agents", "links"]) {
      const hidden = await view.page
        .locator(`am-table.${table}`)
        .evaluate((shown) =>
          Math.max(...[shown, ...shown.querySelectorAll("*")].map((at) => at.scrollWidth - at.clientWidth)),
        );
      assert.ok(hidden <= 0, `${hidden} pixels of the ${table} cannot be seen`);
    }
    await view.page.locator('am-table.links tr[data-key="a1–a2"]').click();
    const card = await view.page.locator(".details").innerText();
    assert.match(card, /Delayed\s+100 %\s+Damaged\s+2 %/);
    await view.page.locator('am-table.links tr[data-key="a2–a3"]').click();
    assert.doesNotMatch(await view.page.locator(".details").innerText(), /Delayed|Damaged/);
    await view.screenshot("topology-3-faulted-table-dark");
  });

  it("says which links are of the tree of broadcasts: in the table, on the card, in the legend, and by faint lines", async () => {
    const plain = makeSwarm({ agents: 3 });
    const links = plain.links.map((link, at) => ({ ...link, tree: at !== 1 }));
    await show({ ...plain, links });
    assert.match(await view.page.locator("am-topology").innerText(), /faint: broadcasts are only announced/);
    await view.page.getByTitle("Table").click();
    const said = await view.page.locator("am-table.links tbody tr td:last-child").allInnerTexts();
    assert.deepEqual(
      said.map((text) => text.trim()),
      ["pushed (tree)", "announced", "pushed (tree)"],
    );
    await view.page.locator(`am-table.links tr[data-key="${linkId(links[1] as LinkView)}"]`).click();
    assert.match(await view.page.locator(".details").innerText(), /Broadcasts\s+announced/);
    const around = { drawn: 3, usualMs: null, highContrast: false, spreads: false };
    const [tree, lazy] = links.map((link) => linkStyle({ ...link, faults: [] }, false, around).opacity);
    assert.ok(tree !== undefined && lazy !== undefined && lazy < tree);
  });

  it("comes back with the table that was shown before it was hidden", async () => {
    view = await harness.open("topology", { state: { table: true, legend: "not a boolean" } });
    await view.send({ type: "snapshot", view: "topology", swarm: makeSwarm({ agents: 5 }), swarms: [], trusted: true });
    await view.page.locator("am-table.agents").waitFor();
    assert.equal(await view.page.locator(".legend").count(), 1);
  });

  it("tells VS Code what is under the pointer, for its context menus", async () => {
    await show(makeSwarm({ agents: 5 }));
    const a3 = await pointOf("a3");
    await view.page.mouse.move(a3.x, a3.y);
    await view.frames(2);
    const agent = (await context()) as { webviewSection: string; agent: string };
    assert.deepEqual([agent.webviewSection, agent.agent], ["agent", "a3"]);
    const a1 = await pointOf("a1");
    await view.page.mouse.click(a3.x + (a1.x - a3.x) * 0.25, a3.y + (a1.y - a3.y) * 0.25, { button: "right" });
    const link = (await context()) as { webviewSection: string; a: string; b: string };
    assert.deepEqual([link.webviewSection, link.a, link.b], ["link", "a1", "a3"]);
    await view.page.mouse.move(5, 400);
    await view.frames(2);
    assert.equal(((await context()) as { webviewSection: string }).webviewSection, "swarm");
  });

  it("is used by keyboard: arrows choose an agent, its card heals and injects", async () => {
    const pause = makeFault("f7", { kind: "pause", agent: "a2" }, ["a2"], "a2 paused");
    await show(makeSwarm({ agents: 5, faults: [pause] }), { answer: () => ({ healed: ["f7"] }) });
    await view.page.locator(".picture").focus();
    await view.page.keyboard.press("ArrowRight");
    assert.match(await view.page.locator(".details").innerText(), /a2[\s\S]*paused[\s\S]*PID 40001/);
    await view.page.getByRole("button", { name: "Heal", exact: true }).click();
    const heal = await view.received((message) => message.type === "request" && message.method === "healFault");
    assert.deepEqual(heal.type === "request" && heal.params, { swarm: "swarm-1", fault: "f7" });
    await view.page.locator(".details").getByText("Inject Failure…").click();
    const inject = await view.received((message) => message.type === "command");
    assert.deepEqual(inject, {
      type: "command",
      command: "agentMesh.injectFailure",
      argument: { swarm: "swarm-1", agent: "a2" },
    });
    await view.page.locator(".picture").focus();
    await view.page.keyboard.press("ArrowLeft");
    assert.doesNotMatch(await view.page.locator(".details h2").innerText(), /a2/);
    await view.page.keyboard.press("Escape");
    assert.equal(await view.page.locator(".details").count(), 0);
  });

  it("says why healing failed", async () => {
    const pause = makeFault("f7", { kind: "pause", agent: "a2" }, ["a2"], "a2 paused");
    await show(makeSwarm({ agents: 5, faults: [pause] }), {
      answer: () => {
        throw new Error("a2 is not there any more");
      },
    });
    await view.send({ type: "reveal", agent: "a2" });
    await view.page.getByRole("button", { name: "Heal", exact: true }).click();
    await view.page.locator("[role=alert]").waitFor();
    assert.match(await view.page.locator("[role=alert]").innerText(), /a2 is not there any more/);
  });

  it("moves the sides of a partition apart, cuts the links between them, and closes up when healed", async () => {
    const partition = makeFault(
      "f1",
      {
        kind: "partition",
        sides: [
          ["a1", "a2", "a5"],
          ["a3", "a4"],
        ],
      },
      [],
      "partitioned",
    );
    await show(makeSwarm({ agents: 5 }));
    const distance = async (a: string, b: string): Promise<number> => {
      const [p, q] = [await pointOf(a), await pointOf(b)];
      return Math.hypot(p.x - q.x, p.y - q.y);
    };
    assert.ok((await countPixels(view, CANVAS, DARK.cut)) < 20);
    await view.send({ type: "swarmChanged", swarm: makeSwarm({ agents: 5, faults: [partition], revision: 2 }) });
    await eventually(async () => (await distance("a2", "a3")) > 1.5 * (await distance("a1", "a2")));
    await placed();
    assert.ok((await countPixels(view, CANVAS, DARK.cut)) > 100);
    await view.screenshot("topology-5-partition-dark");
    await view.send({ type: "swarmChanged", swarm: makeSwarm({ agents: 5, revision: 3 }) });
    await eventually(async () => Math.abs((await distance("a2", "a3")) - (await distance("a1", "a2"))) < 10);
  });

  it("changes its colours with the theme, while it is shown", async () => {
    await show(makeSwarm({ agents: 5 }));
    assert.ok((await countPixels(view, CANVAS, "#ffffff")) < 2000);
    for (const [theme, star] of [
      ["light", "#bf8803"],
      ["highContrast", "#ffd370"],
      ["highContrastLight", "#895503"],
    ] as const) {
      await view.setTheme(theme);
      assert.ok((await countPixels(view, CANVAS, star)) > 100, theme);
      await view.screenshot(`topology-5-${theme}`);
    }
  });

  it("fits into a sidebar of 300 pixels without cutting any text off", async () => {
    const lossy = makeFault("f1", { kind: "lossy", a: "a1", b: "a3", loss: 0.3 }, ["a1", "a3"], "a1–a3 loses 30 %");
    await show(makeSwarm({ agents: 5, faults: [lossy] }), { width: 300, height: 640 });
    await view.send({ type: "reveal", agent: "a1" });
    await view.page.locator(".details").waitFor();
    assert.deepEqual(await view.clipped(".bar *, .details *, .legend *"), []);
    await view.screenshot("topology-5-narrow-dark");
    await view.page.locator(".bar h1").evaluate((h1) => {
      h1.style.cssText = "width: 20px; overflow: hidden; white-space: nowrap";
    });
    assert.equal((await view.clipped(".bar *")).length, 1, "the check finds text that is cut off");
  });

  it("helps when there is nothing to show: starts a swarm, or says what trust would allow", async () => {
    await show(null);
    await view.page.getByRole("button", { name: "Init Swarm" }).click();
    await view.received((message) => message.type === "command" && message.command === "agentMesh.initSwarm");
    await view.screenshot("topology-empty-dark");
    await view.send({ type: "snapshot", view: "topology", swarm: null, swarms: [], trusted: false });
    await view.page.getByText("not trusted").waitFor();
    assert.equal(await view.page.getByRole("button", { name: "Init Swarm" }).count(), 0);
  });

  it("offers the other swarms when there are several", async () => {
    view = await harness.open("topology");
    const swarms = [
      { id: "swarm-1", name: "first-swarm" },
      { id: "swarm-2", name: "second" },
    ];
    await view.send({ type: "snapshot", view: "topology", swarm: makeSwarm({ agents: 3 }), swarms, trusted: true });
    await view.page.getByRole("combobox", { name: "Swarm" }).click();
    await view.page.getByRole("option", { name: "second" }).click();
    const chosen = await view.received((message) => message.type === "command");
    assert.deepEqual(chosen, { type: "command", command: "agentMesh.selectSwarm", argument: "swarm-2" });
  });
});
