import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { connect, type MeshClient } from "../../server/client/client.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Fields } from "../../server/contract/timeline.ts";
import type { TopologyPlanView } from "../../server/contract/topology.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { articulationPoints, biconnected } from "../../server/core/overlay/graph.ts";
import type { Link } from "../../server/core/overlay/types.ts";
import { readSwarm, readToken, rewriteSwarm } from "../../server/live/layout.ts";
import { Ground, until, untilView } from "./ground.ts";

const STAR = "agents: 6\ntopology: star\n";

describe("rewiring a running swarm", function () {
  this.timeout(120_000);
  let ground: Ground;
  let coordinator: Coordinator;
  let swarm: string;
  const clients: MeshClient[] = [];

  beforeEach(() => {
    ground = new Ground();
    coordinator = ground.coordinator();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await ground.end();
  });

  const start = async (mesh: string): Promise<void> => {
    swarm = (await ground.init(coordinator, mesh)).id;
    await untilView(coordinator, swarm, "all is well", ({ health }) => health.level === "ok");
  };
  const view = (): Promise<SwarmView> => coordinator.handle("swarm", { swarm });
  const client = async (): Promise<MeshClient> => {
    const agents = (await view()).agents.map(({ id, port }) => ({ id, port }));
    const made = connect({ agents, token: readToken(ground.folder, swarm), timeoutMs: 30_000 });
    clients.push(made);
    return made;
  };
  const plan = (bounds: { least?: number; most?: number } = {}): Promise<TopologyPlanView> =>
    coordinator.handle("planTopology", { swarm, ...bounds });
  const apply = ({ basis, least, add, drop }: TopologyPlanView, operation = "rewire") =>
    coordinator.handle("rewire", { swarm, operation, basis, least, add, drop });
  const ids = ({ agents }: SwarmView): string[] => agents.map(({ id }) => id);
  const ends = ({ links }: { readonly links: readonly Link[] }): string[] =>
    links.map(({ a, b }) => `${a}-${b}`).toSorted();
  /** What the timeline tells of plans that were carried out, and how. */
  const told = async (): Promise<readonly (readonly [string, Fields])[]> => {
    const found: (readonly [string, Fields])[] = [];
    for (const kind of ["rewiringBegun", "rewired", "rewiringUndone"]) {
      const { events } = await coordinator.handle("timelineSearch", { swarm, text: `kind:${kind}`, limit: 100 });
      found.push(...events.map(({ fields }) => [kind, fields] as const));
    }
    return found;
  };
  const file = () => readSwarm(ground.folder, swarm);
  const allUp = (what: string): Promise<SwarmView> =>
    untilView(coordinator, swarm, what, ({ health }) => health.level === "ok" && health.linksUp === health.linksTotal);

  it("takes the hub of a star its part while clients write: nothing acknowledged is lost, nobody is elected, and the hub may go then", async () => {
    await start("agents: 8\ntopology: star\n");
    const mesh = await client();
    const acknowledged: number[] = [];
    let writing = true;
    const writer = (async () => {
      for (let at = 1; writing; at++) {
        await mesh.put("count", `c${at}`, String(at));
        acknowledged.push(at);
      }
    })();
    await until("some writes", () => acknowledged.length > 50);
    const { term } = (await view()).health;
    const made = await plan();
    assert.match(made.text, /falls apart without +a1 +nobody/);
    assert.match(made.text, /smallest cut, links +1 \(a\d\) +3 /);
    assert.ok((made.usualMs as number) > 0, "measured");
    assert.deepEqual(ends(await view()), ends(file()), "a plan changes nothing");
    const before = acknowledged.length;
    const done = await apply(made);
    assert.deepEqual(done, { added: made.add.length, dropped: made.drop.length, links: made.after.links });
    const [begun, ended, ...more] = await told();
    assert.deepEqual(begun, ["rewiringBegun", { add: done.added, drop: done.dropped }]);
    assert.equal(ended?.[0], "rewired");
    assert.deepEqual({ ...ended?.[1], tookMs: 0 }, { ...done, tookMs: 0 });
    assert.deepEqual(more, []);
    const after = await allUp("its links are up");
    assert.equal(after.links.length, made.after.links);
    assert.deepEqual([after.topology, articulationPoints(ids(after), after.links)], ["links", []]);
    assert.deepEqual(ends(file()), ends(after));
    await until("writes go on", () => acknowledged.length > before + 50);
    assert.equal(after.health.term, term, "no election because of it");
    assert.ok(ground.all("progress").some(({ stage, done, total }) => /new links/.test(stage) && done === total));

    // A link that was slow for a moment, as the machine was busy, is no reason for long.
    await until("nothing is left to be done", async () => {
      const again = await plan();
      return again.add.length + again.drop.length === 0;
    });

    await coordinator.handle("injectFault", { swarm, fault: { kind: "crash", agent: "a1" } });
    const least = acknowledged.length;
    await until("the others decide without the hub", () => acknowledged.length > least + 20, 15_000);
    writing = false;
    await writer;
    const { items } = await mesh.list("count", { limit: 10_000 });
    const kept = new Set(items.map(({ key }) => key));
    assert.deepEqual(acknowledged.filter((at) => !kept.has(`c${at}`)), []); // biome-ignore format: one rule
    // Whoever starts again reads the new links.
    await coordinator.handle("healAll", { swarm });
    await allUp("the hub is back, with its new links");
  });

  it("drops a link that a fault makes slow, and heals the fault although it has no link any more", async () => {
    await start("agents: 8\ntopology: { kind: k-regular, degree: 3 }\n");
    const { links } = await view();
    const { a, b } = links[0] as { a: string; b: string };
    const fault = await coordinator.handle("injectFault", {
      swarm,
      fault: { kind: "slow", a, b, delayMs: 80 },
    });
    const made = await until("it is known to be slow", async () => {
      const planned = await plan();
      // On a busy machine others may be slow for a moment, too.
      return planned.drop.some((link) => link.a === a && link.b === b && (link.latencyMs ?? 0) > 50) ? planned : undefined;
    }, 20_000); // biome-ignore format: one wait
    await apply(made);
    const after = await allUp("the others are up");
    assert.ok(!ends(after).includes(`${a}-${b}`));
    assert.ok(biconnected(ids(after), after.links));
    assert.deepEqual((await coordinator.handle("healFault", { swarm, fault: fault.id })).healed, [fault.id]);
    assert.deepEqual((await plan()).add.map((link) => [link.a, link.b]).filter(([x, y]) => x === a && y === b), [], "it is remembered"); // biome-ignore format: one rule
  });

  it("gives whoever comes then as many links as the plan's least, and mends what one that goes leaves", async () => {
    await start(STAR);
    await apply(await plan());
    await coordinator.handle("changeMembers", { swarm, change: { kind: "add", learner: false } });
    const grown = await allUp("the newcomer is linked");
    assert.equal(grown.links.filter(({ a, b }) => a === "a7" || b === "a7").length, 3);
    await coordinator.handle("changeMembers", { swarm, change: { kind: "remove", agent: "a1" } });
    const left = await allUp("the others are linked");
    assert.ok(biconnected(ids(left), left.links));
    for (const id of ids(left)) assert.ok(left.links.filter(({ a, b }) => a === id || b === id).length >= 3, id);
  });

  it("is refused, in a sentence, where the swarm has changed, somebody is down, links are cut, or the plan is none; and nothing has changed then", async () => {
    await start(STAR);
    const made = await plan();
    const links = ends(file());
    const refused = async (given: TopologyPlanView, message: RegExp): Promise<void> => {
      await assert.rejects(apply(given), message);
      assert.deepEqual([ends(file()), file().topology], [links, "star"]);
    };
    await assert.rejects(plan({ least: 5, most: 4 }), /Give at least one more/);
    await refused({ ...made, basis: "other" }, /have changed since the plan was made/);
    await refused({ ...made, add: [{ a: "a1", b: "a2", latencyMs: 1 }] }, /a1 - a2 cannot be added/);
    await refused({ ...made, add: [{ a: "a1", b: "a9", latencyMs: 1 }] }, /a1 - a9 cannot be added/);
    await refused({ ...made, drop: [{ a: "a2", b: "a3", latencyMs: 1 }] }, /a2 - a3 cannot be dropped/);
    await refused({ ...made, add: [] }, /hang on a single agent/);
    await coordinator.handle("injectFault", { swarm, fault: { kind: "pause", agent: "a6" } });
    await untilView(coordinator, swarm, "a6 is silent", ({ agents }) =>
      agents.some(({ id, observed }) => id === "a6" && !observed),
    );
    await refused(made, /a6 does not answer now/);
    await coordinator.handle("healAll", { swarm });
    await untilView(coordinator, swarm, "a6 answers", ({ agents }) => agents.every(({ observed }) => observed));
    await coordinator.handle("injectFault", { swarm, fault: { kind: "isolate", agent: "a5" } });
    await refused(made, /lets nothing pass on some links/);
    await coordinator.handle("healAll", { swarm });
    await coordinator.handle("changeMembers", { swarm, change: { kind: "add", learner: true } });
    await assert.rejects(apply(made), /have changed since the plan was made/);
  });

  it("goes back where a new link does not come up, and says which", async () => {
    await start(STAR);
    const made = await plan();
    const links = ends(file());
    // Stopped behind everybody's back: its silence is not known yet.
    const { b: stopped } = made.add[0] as { readonly b: string };
    const pid = (await view()).agents.find(({ id }) => id === stopped)?.pid as number;
    process.kill(pid, "SIGSTOP");
    try {
      await assert.rejects(
        apply(made),
        new RegExp(`${stopped}.* did not come up within 10 s. All links are as they were`),
      );
    } finally {
      process.kill(pid, "SIGCONT");
    }
    assert.deepEqual([ends(file()), file().topology, file().degree], [links, "star", undefined]);
    const [, [kind, { reason }] = ["", {}]] = await told();
    assert.equal(kind, "rewiringUndone");
    assert.match(String(reason), new RegExp(`${stopped}.* did not come up$`));
    assert.deepEqual(ends(await allUp("all is well")), links);
    await untilView(coordinator, swarm, "all answer", ({ agents }) => agents.every(({ observed }) => observed));
    assert.ok((await apply(await plan())).added > 0);
  });

  it("goes back when it is cancelled before links are dropped", async () => {
    await start(STAR);
    const made = await plan();
    const links = ends(file());
    const { b: stopped } = made.add[0] as { readonly b: string };
    const pid = (await view()).agents.find(({ id }) => id === stopped)?.pid as number;
    process.kill(pid, "SIGSTOP");
    try {
      const applying = apply(made, "cancelled one");
      await until("both are written down", () => ends(file()).length > links.length);
      assert.deepEqual(await coordinator.handle("cancel", { operation: "cancelled one" }), { cancelled: true });
      await assert.rejects(applying, /cancelled. All links are as they were/);
      assert.deepEqual([ends(file()), file().topology], [links, "star"]);
      assert.deepEqual((await told()).at(-1), ["rewiringUndone", { reason: "it was cancelled" }]);
    } finally {
      process.kill(pid, "SIGCONT");
    }
  });

  it("leaves both, the old and the new links, where its coordinator dies in between; the next one plans what is too much", async () => {
    await start(STAR);
    const made = await plan();
    // As dead as can be, with the first step written down and nobody told.
    await coordinator.release();
    rewriteSwarm({ ...file(), links: [...file().links, ...made.add], topology: "links", degree: 3, rewired: true });
    const next = ground.coordinator();
    await next.adopt([ground.folder]);
    coordinator = next;
    const adopted = await allUp("all links of the file are up");
    assert.deepEqual(ends(adopted), ends(file()));
    for (const { a, b } of made.add) assert.ok(ends(adopted).includes(`${a}-${b}`));
    const mesh = await client();
    await mesh.put("k", "k", "v");
    const rest = await plan();
    if (rest.drop.length > 0) await apply(rest);
    const after = await allUp("and then it is rewired");
    assert.ok(biconnected(ids(after), after.links));
  });
});
