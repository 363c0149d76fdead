import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { makeSwarm } from "../harness/swarm-data.ts";
import { WebviewHarness, type WebviewPage } from "../harness/webview-page.ts";

describe("a table", function () {
  this.timeout(30_000);
  let harness: WebviewHarness;
  let view: WebviewPage;

  before(async () => {
    harness = await WebviewHarness.start();
    view = await harness.open("topology", { state: { table: true, legend: false } });
    await view.send({
      type: "snapshot",
      view: "topology",
      swarm: makeSwarm({ agents: 400 }),
      swarms: [],
      trusted: true,
    });
  });
  after(async () => {
    await view.close();
    await harness.stop();
  });

  const row = (agent: string) => view.page.locator(`am-table.agents tr[data-key=${agent}]`);
  const scrolled = () =>
    view.page.locator("am-table.agents .table-scroller").evaluate((scroller) => scroller.scrollTop);

  it("brings the row of what is selected elsewhere into sight, and then lets the person scroll away", async () => {
    await row("a1").waitFor();
    assert.equal(await row("a390").count(), 0, "only rows in sight are drawn");
    await view.send({ type: "reveal", agent: "a390" });
    await row("a390").waitFor();
    assert.equal(await row("a390").getAttribute("aria-selected"), "true");
    assert.ok((await scrolled()) > 0);
    await view.page.locator("am-table.agents .table-scroller").evaluate((scroller) => scroller.scrollTo(0, 0));
    await row("a1").waitFor();
    await view.send({
      type: "snapshot",
      view: "topology",
      swarm: makeSwarm({ agents: 400 }),
      swarms: [],
      trusted: true,
    });
    await view.frames(3);
    assert.equal(await scrolled(), 0, "news do not scroll it back");
    await view.send({ type: "reveal", agent: "a200" });
    await row("a200").waitFor();
  });
});
