import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { arrange } from "../../../webview/topology/arrange.ts";
import type { Pair } from "../../../webview/topology/layout.ts";
import { makeSwarm } from "../harness/swarm-data.ts";
import { groupsOf, labelsOf, openTopology, overlapping, settled } from "../harness/topology-page.ts";
import type { WebviewPage } from "../harness/webview-page.ts";
import { webviews } from "../harness/webviews.ts";

const ZONES = ["eu", "us", "asia"] as const;

describe("zones in the topology view", function () {
  this.timeout(60_000);
  let view: WebviewPage;
  const harness = webviews(() => view);

  it("each has a round with its name, however few agents there are, and can be closed", async () => {
    view = await openTopology(harness, makeSwarm({ agents: 9, topology: "k-regular", zones: ZONES }));
    assert.deepEqual(await groupsOf(view), ZONES.map((zone) => ({ id: `zone:${zone}`, name: `zone ${zone}`, closed: false }))); // biome-ignore format: one rule
    const labels = await labelsOf(view);
    const texts = labels.map(({ text }) => text);
    for (const zone of ZONES) assert.ok(texts.includes(`zone ${zone}`), texts.join(", "));
    assert.deepEqual(overlapping(labels), []);
    await view.page.getByTitle("Close All Groups", { exact: true }).click();
    await settled(view);
    assert.ok((await groupsOf(view)).every(({ closed }) => closed));
  });

  it("the table has a column for them, and is filtered by them", async () => {
    const swarm = makeSwarm({ agents: 9, topology: "k-regular", zones: ZONES });
    view = await openTopology(harness, swarm, { state: { table: true } });
    const table = view.page.locator("am-table.agents");
    assert.equal(await table.getByRole("columnheader", { name: "Zone" }).count(), 1);
    await view.page.getByRole("textbox").fill("asia");
    const rows = table.locator("tbody tr");
    await rows.nth(3).waitFor({ state: "detached" });
    assert.deepEqual(await rows.count(), 3);
    assert.match((await rows.allInnerTexts()).join(), /a7.*asia.*a8.*asia.*a9.*asia/s);
  });

  it("a swarm without zones has neither rounds nor the column", async () => {
    view = await openTopology(harness, makeSwarm({ agents: 9, topology: "k-regular" }), { state: { table: true } });
    assert.deepEqual(await groupsOf(view), []);
    assert.equal(await view.page.getByRole("columnheader", { name: "Zone" }).count(), 0);
  });
});

describe("where zones stand", () => {
  it("every agent within the round of its zone, and no two rounds touch", () => {
    const swarm = makeSwarm({ agents: 40, topology: "small-world", zones: ZONES });
    const links = swarm.links.map((link): Pair => [link.a, link.b]);
    const zones = swarm.agents.map(({ id, zone }) => [id, zone ?? ""] as const);
    const agents = swarm.agents.map(({ id }) => id);
    const closed = { all: false, except: [] };
    const { groups, regions, positions } = arrange({ topology: "small-world", layout: "linked", agents, links, zones, previous: [], closed }); // biome-ignore format: one question
    assert.equal(regions.length, 3);
    for (const { group, centre, radius } of regions) {
      for (const agent of groups.find(({ id }) => id === group)?.agents ?? []) {
        const at = positions.get(agent);
        assert.ok(at && Math.hypot(at.x - centre.x, at.y - centre.y) < radius, agent);
      }
      for (const other of regions)
        if (other.group !== group)
          assert.ok(Math.hypot(other.centre.x - centre.x, other.centre.y - centre.y) > radius + other.radius);
    }
  });
});
