import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import type { Rewired, TopologyPlanView } from "../../../server/contract/topology.ts";
import { Terminal } from "../terminal.ts";

describe("agent-mesh optimise", function () {
  this.timeout(60_000);
  const terminal = new Terminal();
  const star = "agents: 6\ntopology: star\n";
  before(async () => {
    await terminal.up(terminal.mesh(star, "star.mesh.yaml"));
  });
  after(async () => {
    await terminal.run("stop");
    await terminal.assertNothingLeft();
    terminal.end();
  });

  it("of a mesh file says what would come and go, and what that is good for", async () => {
    const file = terminal.mesh(star, "other.mesh.yaml");
    const { code, stdout } = await terminal.run("optimise", file);
    assert.equal(code, 0);
    assert.match(stdout, /^Plan for 3 to 5 links an agent.*no latency was measured yet/);
    assert.match(stdout, /^ {2}add {3}a2 - a\d$/m);
    assert.match(stdout, /^falls apart without +a1 +nobody$/m);
    assert.match(stdout, /^smallest cut, links +1 \(a\d\) +3 \(/m);
    const { add, after } = await terminal.json<TopologyPlanView>(0, "optimise", file, "--links", "2..3");
    assert.ok(add.length > 0);
    assert.deepEqual([after.fewestLinks >= 2, after.mostLinks <= 3, after.articulationPoints], [true, true, []]);
    const sound = terminal.mesh("agents: 9\ntopology: k-regular\n", "sound.mesh.yaml");
    assert.match((await terminal.run("optimise", sound)).stdout, /^Nothing to change/);
  });

  it("of a mesh file with zones says whose loss is survived, before and after", async () => {
    const ring = terminal.mesh(
      "agents: 6\nzones: { eu: [a1, a4], us: [a2, a3, a5, a6] }\ntopology: ring\n",
      "zones.mesh.yaml",
    );
    const { stdout } = await terminal.run("optimise", ring);
    assert.match(stdout, /^survives the loss of zone eu +no +yes$/m);
    assert.match(stdout, /^survives the loss of zone us +no +yes$/m);
    const { after } = await terminal.json<TopologyPlanView>(0, "optimise", ring);
    assert.deepEqual(after.zones.map(({ agentsOut, survived }) => [agentsOut > 1, survived]), [[true, true], [true, true]]); // biome-ignore format: one rule
    assert.match((await terminal.run("check", ring)).stdout, /zones eu \(2\), us \(4\): falls apart without eu or us/);
  });

  it("of a mesh file whose agents look for their links themselves says that there is no plan to make", async () => {
    const file = terminal.mesh("name: own\ntopology: { kind: hyparview, degree: 3 }\n", "own.mesh.yaml");
    const { code, stderr } = await terminal.run("optimise", file);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /The agents of own look for their links themselves \(topology hyparview\), so there is no plan/,
    );
    assert.match(
      (await terminal.run("check", file)).stdout,
      /hyparview \(agents look for their links.*at most 3 each\)/,
    );
  });

  it("says what makes no sense, and does nothing then", async () => {
    for (const words of [
      ["--links", "5..3"],
      ["--links", "1..3"],
      ["--links", "many"],
      ["a", "b"],
      ["star.mesh.yaml", "--apply"],
    ]) {
      const { code, stderr } = await terminal.run("optimise", ...words);
      assert.equal(code, 2, words.join(" "));
      assert.match(stderr, /--links takes the fewest and the most|takes one mesh file|--apply is for a running swarm/);
    }
  });

  it("shows a plan by measured latency, and carries it out with --apply; then there is nothing to change", async () => {
    const shown = await terminal.run("optimise");
    assert.match(shown.stdout, /a link usually takes [\d.]+ ms one way/);
    assert.match(shown.stderr, /Nothing was changed: --apply carries it out/);
    const { done } = await terminal.json<TopologyPlanView & { readonly done: Rewired }>(0, "optimise", "--apply");
    const { links, topology } = await terminal.json<SwarmView>(0, "status");
    assert.deepEqual([links.length, topology], [done.links, "links"]);
    const again = await terminal.json<TopologyPlanView>(0, "optimise", "--apply");
    assert.deepEqual([again.add, again.after.articulationPoints], [[], []]);
  });
});
