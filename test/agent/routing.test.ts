import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Cluster } from "./cluster.ts";
import { get, put, stored, version } from "./operations.ts";

describe("agents without a link between them", () => {
  for (const topology of ["ring", "star", "grid", "hierarchical", "k-regular", "small-world"] as const) {
    it(`decide together in a ${topology} of 7, through others`, () => {
      const cluster = new Cluster({ size: 7, topology });
      cluster.elect();
      for (const { id } of cluster.up) version(cluster.ask(id, put(id, `of ${id}`)));
      for (const { id } of cluster.up) assert.equal(stored(cluster.ask("a4", get(id))), `of ${id}`);
      cluster.run(1000);
      const terms = new Set(cluster.up.map(({ agent }) => agent?.consensusStatus.term));
      assert.equal(terms.size, 1);
    });
  }

  it("go the other way round a ring when an agent on the way fails", () => {
    const cluster = new Cluster({ size: 5, topology: "ring" });
    cluster.elect();
    const leader = cluster.leader as string;
    const next = cluster.ids[(cluster.ids.indexOf(leader) + 1) % 5] as string;
    const beyond = cluster.ids[(cluster.ids.indexOf(leader) + 2) % 5] as string;
    cluster.node(next).kill();
    cluster.until("the loss is known to all", () =>
      cluster.up.every(
        ({ agent }) => agent?.report(cluster.now).members.find(({ id }) => id === next)?.state === "failed",
      ),
    );
    cluster.elect();
    version(cluster.ask(beyond, put("k", "v")));
    assert.equal(stored(cluster.ask(leader, get("k"))), "v");
    cluster.run(1000);
    for (const { id, agent } of cluster.up)
      assert.equal(agent?.machine.memory.get("n", "k", 0)?.key, "k", `${id} has caught up`);
  });

  it("go the other way round a ring when a link on the way is cut, although both its ends live", () => {
    const cluster = new Cluster({ size: 5, topology: "ring" });
    cluster.elect();
    cluster.cut("a2", "a3");
    cluster.run(3000);
    const { term } = cluster.agent(cluster.elect()).consensusStatus;
    for (const { id } of cluster.up) version(cluster.ask(id, put(id, `of ${id}`)));
    cluster.run(3000);
    for (const { id, agent } of cluster.up) {
      assert.equal(agent?.consensusStatus.term, term, "nobody lost the leader");
      assert.equal(agent?.machine.memory.size, 5, `${id} has caught up`);
      for (const member of agent?.report(cluster.now).members ?? [])
        assert.equal(member.state, "alive", `${id} holds ${member.id} alive`);
    }
    cluster.mend("a2", "a3");
    cluster.run(500);
    assert.equal(
      cluster
        .agent("a2")
        .report(cluster.now)
        .links.find(({ peer }) => peer === "a3")?.up,
      true,
    );
  });
});
