// A coordinator and five real agents that decide by gossip, from the mesh file to what is judged.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { CoordinatorMethod, CoordinatorRequests } from "../../server/contract/coordinator.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { Refusal } from "../../server/coordinator/refusal.ts";
import { certificateText } from "../../server/live/proofs/make-certificate.ts";
import { verifyProofs } from "../../server/live/proofs/verify.ts";
import { Ground, until, untilView } from "./ground.ts";

describe("a swarm that decides by gossip", function () {
  this.timeout(60_000);
  const ground = new Ground();
  let coordinator: Coordinator;
  let swarm: string;

  before(async () => {
    coordinator = ground.coordinator();
    const view = await ground.init(coordinator, "agents: 5\nconsensus: gossip\n");
    swarm = view.id;
  });
  after(() => ground.end());

  const ask = <M extends CoordinatorMethod>(
    method: M,
    params: Omit<CoordinatorRequests[M]["params"], "swarm">,
  ): Promise<CoordinatorRequests[M]["result"]> =>
    coordinator.handle(method, { swarm, ...params } as CoordinatorRequests[M]["params"]);
  const seen = (what: string, holds: (view: SwarmView) => boolean): Promise<SwarmView> =>
    untilView(coordinator, swarm, what, holds);
  /** What `look` finds, once it does: it says false until then. */
  async function found<T extends object>(what: string, look: () => Promise<T | false | undefined>): Promise<T> {
    return (await until<T | false | undefined>(what, look)) as T;
  }
  const put = (key: string, text: string) => ask("memory", { op: "put", namespace: "n", key, text } as never);
  const whole = (view: SwarmView): boolean => view.health.level === "ok" && view.health.agreement === 1;

  async function refuses(asked: Promise<unknown>, sentence: RegExp): Promise<void> {
    await assert.rejects(asked, (error: unknown) => {
      assert.ok(error instanceof Refusal, String(error));
      assert.match(error.message, sentence);
      return true;
    });
  }

  it("comes up without an election, with peers that lead nobody, and an agreement of each", async () => {
    const stages = new Set(ground.all("progress").map(({ stage }) => stage));
    // Progress is told so often a second, the newest only: the last stage may be over before.
    stages.delete("Linking");
    assert.deepEqual([...stages], ["Checking the mesh", "Choosing ports and making keys", "Starting agents"]);
    const { health, agents } = await seen("all is well", ({ health }) => health.level === "ok");
    assert.deepEqual([health.quorum, health.leader, health.term], [1, null, null]);
    for (const { role, term, leader, member, gossip } of agents) {
      assert.deepEqual([role, term, leader, member], ["peer", null, null, "voter"]);
      assert.equal(gossip?.members, 5);
    }
  });

  it("refuses what takes an order or a leader, each in a sentence", async () => {
    const alike = /^Nobody only learns in a gossip swarm: whoever is in it counts\./;
    await refuses(ask("changeMembers", { change: { kind: "add", learner: true } }), alike);
    await refuses(ask("changeMembers", { change: { kind: "promote", agent: "a2" } }), alike);
    await refuses(ask("transferLeader", {}), /nobody leads in it/);
    await refuses(ask("submitTask", { task: { command: "true" } }), /^a task is leased to one agent at a time/);
    await refuses(
      ask("memory", { op: "compareAndSet", namespace: "n", key: "k", text: "v", expectedVersion: 0 } as never),
      /^compareAndSet takes one order/,
    );
    await refuses(ask("injectFault", { fault: { kind: "crash", agent: "leader" } }), /in which nobody leads/);
    await refuses(ask("injectPreset", { preset: { preset: "leaderHunt", times: 2 } }), /in which nobody leads/);
    await refuses(
      ask("injectFault", { fault: { kind: "byzantine", agent: "a1", behaviour: "equivocate" } as never }),
      /whose agents can lie so: silent, delay, replay/,
    );
    assert.equal((await seen("nothing happened", whole)).faults.length, 0);
  });

  it("decides a proposal by everybody's votes, says who is known to have it, and proves it", async () => {
    const made = await ask("propose", { proposal: { id: "p1", subject: "deploy", body: '{"v":1}' }, wait: true });
    assert.equal(made.state, "approved");
    const settled = await found("all are known to have it", async () => {
      const proposal = await ask("proposal", { proposalId: "p1" });
      return proposal.spread?.agreement === 1 && proposal.votes.length === 5 && proposal;
    });
    assert.deepEqual([settled.spread?.sameVector, settled.spread?.members], [5, 5]);
    const view = await seen("the view says so, too", ({ proposals }) => proposals?.[0]?.spread?.agreement === 1);
    assert.equal(view.proposals?.[0]?.state, "approved");
    assert.deepEqual(
      ground.all("proposalDecided").map(({ proposal }) => `${proposal.id} ${proposal.state}`),
      ["p1 approved"],
    );
    const certificate = await ask("certificate", { proposalId: "p1" });
    const [own] = verifyProofs(certificateText(certificate), () => undefined);
    assert.deepEqual([own?.problem, certificate.outcome], [undefined, "approved"]);
    assert.ok(certificate.votes.length >= 4);
  });

  it("takes writes and proposals in a part of a partition, says how unsure it is, and is one again when it heals", async () => {
    const { id } = await ask("injectFault", { fault: { kind: "partition", sides: [["a1", "a2"]] } });
    await put("while cut", "x");
    await ask("propose", { proposal: { id: "p2", subject: "s", body: "{}", timeoutMs: 60_000 }, wait: false });
    const cut = await seen("it is known that not all have it", ({ health }) => (health.agreement ?? 1) < 1);
    assert.equal(cut.health.level, "degraded");
    assert.match(cut.health.summary, /^5\/5 agents, agreement 0\.\d\d, \d of 5 known to have it all, 4\/10 links$/);
    const open = await found("the answer says that others lack it", async () => {
      const proposal = await ask("proposal", { proposalId: "p2" });
      return proposal.spread !== undefined && proposal.spread.agreement < 1 && proposal;
    });
    assert.equal(open.state, "open");
    await ask("healFault", { fault: id });
    await until("it is decided", async () => (await ask("proposal", { proposalId: "p2" })).state === "approved");
    await seen("all have the same, and know it", whole);
  });

  it("goes on with four of five, and starts the fifth again from its disk", async () => {
    const crash = await ask("injectFault", { fault: { kind: "crash", agent: "a3" } });
    await put("while a3 is down", "y");
    const four = await seen("four are left", ({ health }) => health.agentsAlive === 4);
    assert.equal(four.health.level, "degraded");
    assert.match(four.health.summary, /^4\/5 agents, /);
    await ask("healFault", { fault: crash.id });
    ground.remember(await seen("all have the same, and know it", whole));
  });

  it("measures agreement and convergence, and has no bars of terms", async () => {
    await put("measured", "z");
    const metrics = await found("convergence is measured", async () => {
      const view = await ask("metrics", { lastMs: 60_000 });
      const chart = view.charts.find(({ id }) => id === "convergence");
      return chart?.series.every(({ values }) => values.some((value) => value !== null)) && view;
    });
    const agreement = metrics.charts.find(({ id }) => id === "agreement");
    for (const { name, values } of agreement?.series ?? []) {
      const measured = values.filter((value) => value !== null);
      assert.ok(measured.length > 0 && measured.every((value) => value >= 0 && value <= 1), name);
    }
    const nowMs = Date.now();
    const query = { fromMs: nowMs - 60_000, toMs: nowMs + 1000, maxEvents: 0, buckets: 10 };
    const { terms, landmarks } = await ask("timeline", query);
    assert.deepEqual(terms, []);
    assert.ok(landmarks.some(({ kind }) => kind === "proposalDecided"));
  });
});

describe("a gossip swarm with a workload", function () {
  this.timeout(60_000);
  const ground = new Ground();
  after(() => ground.end());

  it("is judged by convergence, and by what it serves, with clients that compare and set nothing", async () => {
    const coordinator = ground.coordinator();
    const mesh = "agents: 5\nconsensus: gossip\nexpect:\n  availability: 0.5\n";
    const { id: swarm } = await ground.init(coordinator, mesh);
    const { id } = await coordinator.handle("injectFault", { swarm, fault: { kind: "crash", agent: "a3" } });
    await until("clients have asked something", async () => {
      const { lines } = await coordinator.handle("history", { swarm, from: 0 });
      return lines.length > 20;
    });
    const broken = await coordinator.handle("expectations", { swarm });
    const of = (results: typeof broken, name: string) => results.find((result) => result.name === name);
    assert.match(of(broken, "convergence")?.detail ?? "", /^Not checked live: still active: a3 crashed/);
    await coordinator.handle("healFault", { swarm, fault: id });
    ground.remember(await coordinator.handle("swarm", { swarm }));
    const results = await coordinator.handle("expectations", { swarm });
    assert.deepEqual(
      results.filter(({ kind }) => kind === "invariant").map(({ name, held }) => [name, held]),
      [
        ["proposalsDecidedOnce", true],
        ["convergence", true],
      ],
    );
    assert.equal(of(results, "convergence")?.measured, "5 agents with one memory and the same proposals");
    assert.equal(of(results, "availability")?.held, true, JSON.stringify(of(results, "availability")));
    assert.match(of(results, "availability")?.detail ?? "", /^\d+ of [1-9]\d* operations failed/);
    const { lines } = await coordinator.handle("history", { swarm, from: 0 });
    assert.ok(lines.length > 10 && !/"cas/.test(JSON.stringify(lines)), JSON.stringify(lines[0]));
  });
});
