// Proposals on live agents: put to the vote, decided by signed votes, and proved to whoever asks.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { Certificate, ProposalInfo, ProposalRequest } from "../../server/contract/proposals.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { Refusal, type RefusalReason } from "../../server/coordinator/refusal.ts";
import { certificateText } from "../../server/live/proofs/make-certificate.ts";
import { verifyProofs } from "../../server/live/proofs/verify.ts";
import { Ground, until, untilView } from "./ground.ts";

const DEPLOY: ProposalRequest = { subject: "deploy 1.4", body: '{ "version": "1.4", "replicas": 3 }' };

async function refuses(promise: Promise<unknown>, why: RegExp, reason: RefusalReason = "refused"): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof Refusal, String(error));
    assert.match(error.message, why);
    assert.equal(error.reason, reason, error.message);
    return true;
  });
}

/** One swarm and its coordinator. */
class Parliament {
  readonly ground = new Ground();
  readonly #mesh: string;
  coordinator!: Coordinator;
  swarm!: SwarmView;

  constructor(mesh: string) {
    this.#mesh = mesh;
  }

  async begin(): Promise<void> {
    this.coordinator = this.ground.coordinator();
    this.swarm = await this.ground.init(this.coordinator, this.#mesh);
  }

  get id(): string {
    return this.swarm.id;
  }

  propose(proposal: ProposalRequest, wait = true): Promise<ProposalInfo> {
    return this.coordinator.handle("propose", { swarm: this.id, proposal, wait });
  }

  proposal(proposalId: string): Promise<ProposalInfo> {
    return this.coordinator.handle("proposal", { swarm: this.id, proposalId });
  }

  certificate(proposalId: string): Promise<Certificate> {
    return this.coordinator.handle("certificate", { swarm: this.id, proposalId });
  }

  /** How often each decision was told. */
  told(proposalId: string): string[] {
    return this.ground
      .all("proposalDecided")
      .flatMap(({ swarm, proposal }) => (swarm === this.id && proposal.id === proposalId ? [proposal.state] : []));
  }

  /** Who has an event of the decision, and what it says. */
  async decidedEvents(proposalId: string): Promise<readonly string[]> {
    const { events } = await this.coordinator.handle("timelineSearch", {
      swarm: this.id,
      text: `kind:proposalDecided ${proposalId}`,
      limit: 100,
    });
    return events.map(({ agent, fields }) => `${agent} ${fields.state}`);
  }

  /** Offline: by what is in the file alone, and against the swarm's keys. */
  verify(certificate: Certificate): void {
    const [own] = verifyProofs(certificateText(certificate), () => undefined);
    assert.deepEqual([own?.problem, own?.key], [undefined, "itself"]);
  }
}

for (const { kind, mesh } of [
  { kind: "raft", mesh: "agents: 5\n" },
  { kind: "pbft", mesh: "agents: 4\nconsensus: pbft\n" },
  { kind: "gossip", mesh: "agents: 5\nconsensus: gossip\n" },
]) {
  describe(`a proposal in a swarm that decides by ${kind}`, function () {
    this.timeout(60_000);
    const parliament = new Parliament(mesh);
    before(() => parliament.begin());
    after(() => parliament.ground.end());

    it("is approved by all, and its certificate verifies offline and against the swarm", async () => {
      const decided = await parliament.propose(DEPLOY);
      const { agents } = parliament.swarm;
      assert.match(decided.id, /^proposal-[0-9a-f]{8}$/);
      assert.equal(decided.state, "approved");
      assert.equal(decided.body, '{"replicas":3,"version":"1.4"}');
      assert.deepEqual(
        decided.voters,
        agents.map(({ id }) => id),
      );
      const certificate = await parliament.certificate(decided.id);
      parliament.verify(certificate);
      const text = certificateText(certificate);
      const [held] = await parliament.coordinator.handle("verify", { text });
      assert.deepEqual([held?.problem, held?.key, held?.type], [undefined, "swarm", "certificate"]);
      const forged = text.replaceAll("1.4", "1.5");
      const [broken] = await parliament.coordinator.handle("verify", { text: forged });
      assert.equal(broken?.problem, "its digest is not that of its proposal");
    });

    it("is shown in the swarm's view and told once when it is decided, with every agent's event of it", async () => {
      const { id } = await parliament.propose({ ...DEPLOY, id: "shown" });
      await until("it is told", () => parliament.told(id).length > 0);
      const view = await untilView(parliament.coordinator, parliament.id, "all votes are in", ({ proposals = [] }) =>
        proposals.some((one) => one.id === id && one.state === "approved"),
      );
      const shown = view.proposals?.find((one) => one.id === id) as object;
      assert.ok(!("body" in shown));
      await until(
        "all have an event of it",
        async () => (await parliament.decidedEvents(id)).length === view.agents.length,
      );
      assert.deepEqual(parliament.told(id), ["approved"]);
      const { summary } = await parliament.coordinator.handle("metrics", { swarm: parliament.id, lastMs: 60_000 });
      const median = summary.find(({ name }) => name === "Time to decide, median")?.value;
      assert.ok(median !== null && median !== undefined && median >= 0 && median < 10_000, String(median));
    });

    it("may be of some agents alone, with a threshold of its own", async () => {
      const decided = await parliament.propose({ ...DEPLOY, voters: ["a3", "a1"], threshold: 1, timeoutMs: 5000 });
      assert.deepEqual(
        [decided.state, decided.voters, decided.needed, decided.timeoutMs],
        ["approved", ["a1", "a3"], 2, 5000],
      );
      const { rule, roster } = await parliament.certificate(decided.id);
      assert.deepEqual([rule, roster.map(({ id }) => id)], [{ voters: 2, needed: 2 }, ["a1", "a3"]]);
    });

    it("is the same one when it is proposed again with its id and content, and refused with another content", async () => {
      const first = await parliament.propose({ ...DEPLOY, id: "again" });
      const second = await parliament.propose({ ...DEPLOY, id: "again" });
      assert.deepEqual([second.submittedAtMs, second.state], [first.submittedAtMs, "approved"]);
      await refuses(parliament.propose({ ...DEPLOY, id: "again", body: "1" }), /again/);
    });

    it("is refused where it makes no sense, before anybody votes", async () => {
      const all = await parliament.coordinator.handle("proposals", { swarm: parliament.id });
      for (const [proposal, why] of [
        [{ ...DEPLOY, body: "{version: 1.4}" }, /JSON/],
        [{ ...DEPLOY, body: JSON.stringify("x".repeat(70_000)) }, /65536 bytes/],
        [{ ...DEPLOY, body: "x".repeat(2_000_000) }, /propose\.proposal\.body is longer than 1048576 characters/],
        [{ ...DEPLOY, threshold: 0.5 }, /threshold is 0\.5; give a share above 0\.5/],
        [{ ...DEPLOY, threshold: 0.66667 }, /at most four decimals/],
        [{ ...DEPLOY, threshold: 1.5 }, /propose\.proposal\.threshold must be a number from 0 to 1/],
        [{ ...DEPLOY, voters: ["a1", "a9"] }, /"a9" is no member of the swarm/],
        [{ ...DEPLOY, voters: ["a1", "a1"] }, /"a1" twice/],
        [{ ...DEPLOY, voters: [] }, /no voters/],
        [{ ...DEPLOY, timeoutMs: 0 }, /time limit/],
        [{ ...DEPLOY, subject: "" }, /subject is empty/],
      ] as const)
        await refuses(parliament.propose(proposal), why);
      await refuses(parliament.proposal("nobody"), /There is no proposal nobody in test/);
      await refuses(parliament.certificate("nobody"), /There is no proposal nobody in test/);
      assert.equal((await parliament.coordinator.handle("proposals", { swarm: parliament.id })).length, all.length);
    });
  });

  if (kind === "gossip") continue;
  describe(`proposals that a swarm decides by ${kind} while who leads is killed`, function () {
    this.timeout(60_000);
    // Votes take long enough that the leader dies between the proposals and their decisions.
    const slow = 'proposals: { policy: { command: node, args: ["-e", "setTimeout(() => {}, 300)"], timeout: 10s } }\n';
    const parliament = new Parliament(mesh + slow);
    before(() => parliament.begin());
    after(() => parliament.ground.end());

    it("are decided exactly once, each with a certificate", async () => {
      const { coordinator, id: swarm } = parliament;
      const { health, agents } = await coordinator.handle("swarm", { swarm });
      const leader = health.leader as string;
      // The leader's own vote is not waited for: it is dead.
      const voters = agents.map(({ id }) => id).filter((id) => id !== leader);
      const propose = (at: number) => parliament.propose({ ...DEPLOY, id: `storm-${at}`, voters, threshold: 1 });
      const asked = [0, 1, 2, 3].map(propose);
      const { proposals = [] } = await untilView(
        coordinator,
        swarm,
        "all are put to the vote",
        (view) => view.proposals?.length === 4,
      );
      assert.deepEqual([...new Set(proposals.map(({ state }) => state))], ["open"]);
      process.kill(agents.find(({ id }) => id === leader)?.pid as number, "SIGKILL");
      asked.push(...[4, 5, 6, 7].map(propose));
      for (const { id, state, votes } of await Promise.all(asked)) {
        assert.equal(state, "approved", id);
        assert.deepEqual(votes.map(({ voter }) => voter).sort(), voters);
        await until(`${id} is told`, () => parliament.told(id).length > 0);
        assert.deepEqual(parliament.told(id), ["approved"]);
        const events = await until(`all have an event of ${id}`, async () => {
          const found = await parliament.decidedEvents(id);
          return found.length >= voters.length ? found : undefined;
        });
        assert.deepEqual(
          events.filter((event) => !event.startsWith(leader)).sort(),
          voters.map((voter) => `${voter} approved`),
        );
        parliament.verify(await parliament.certificate(id));
      }
      const all = await coordinator.handle("proposals", { swarm });
      assert.equal(all.length, asked.length);
    });
  });
}

describe("a proposal in a swarm whose primary lies", function () {
  this.timeout(60_000);
  const parliament = new Parliament("agents: 4\nconsensus: pbft\n");
  before(() => parliament.begin());
  after(() => parliament.ground.end());

  it("is decided all the same, and proved", async () => {
    const { coordinator, id: swarm } = parliament;
    const agent = parliament.swarm.health.leader as string;
    await coordinator.handle("injectFault", { swarm, fault: { kind: "byzantine", agent, behaviour: "equivocate" } });
    const decided = await parliament.propose(DEPLOY);
    assert.equal(decided.state, "approved");
    parliament.verify(await parliament.certificate(decided.id));
  });
});

describe("policies, live", function () {
  this.timeout(60_000);
  const parliament = new Parliament(
    [
      "agents: 4",
      "proposals:",
      "  timeout: 20s",
      "  threshold: 0.75",
      "  schema: { type: object, required: [version] }",
      "  policies:",
      "    a2: { reject: not on a Friday }",
      "    a3: { schema: { properties: { version: { const: '1.4' } } } }",
    ].join("\n"),
  );
  before(() => parliament.begin());
  after(() => parliament.ground.end());

  it("say who votes how, and why; with the swarm's threshold and time", async () => {
    const approved = await parliament.propose(DEPLOY);
    assert.deepEqual(
      [approved.state, approved.threshold, approved.timeoutMs, approved.needed],
      ["approved", 0.75, 20_000, 3],
    );
    const whole = await until("all have voted", async () => {
      const one = await parliament.proposal(approved.id);
      return one.state === "approved" ? one : undefined;
    });
    const rejection = whole.votes.find(({ voter }) => voter === "a2");
    // A vote that comes after the decision is not counted.
    assert.ok(rejection === undefined || (rejection.choice === "reject" && rejection.reason === "not on a Friday"));
  });

  it("may reject, with reasons, and the certificate proves that as well", async () => {
    const rejected = await parliament.propose({ subject: "deploy 1.5", body: '{"version":"1.5"}' });
    assert.equal(rejected.state, "rejected");
    const reasons = new Map(
      rejected.votes.filter(({ choice }) => choice === "reject").map(({ voter, reason }) => [voter, reason]),
    );
    assert.deepEqual([...reasons.keys()].sort(), ["a2", "a3"]);
    assert.equal(reasons.get("a2"), "not on a Friday");
    assert.match(reasons.get("a3") ?? "", /version/);
    const certificate = await parliament.certificate(rejected.id);
    assert.equal(certificate.outcome, "rejected");
    parliament.verify(certificate);
  });

  it("of the whole swarm is asked before it costs a round", async () => {
    await refuses(
      parliament.propose({ subject: "deploy", body: '{"release":1}' }),
      /does not fit the schema .*version/,
    );
    await refuses(parliament.propose({ subject: "deploy", body: "{" }), /JSON/);
  });
});

describe("a proposal whose majority is paused", function () {
  this.timeout(60_000);
  const parliament = new Parliament(
    [
      "agents: 3",
      "proposals:",
      "  policy: { command: node, args: [-e, 'setTimeout(() => {}, 1500)'], timeout: 10s }",
    ].join("\n"),
  );
  before(() => parliament.begin());
  after(() => parliament.ground.end());

  it("is open while nobody can say otherwise, expires when they go on, is never approved, and has no certificate", async () => {
    const { coordinator, id: swarm } = parliament;
    const made = await parliament.propose({ ...DEPLOY, id: "slow", timeoutMs: 1000 }, false);
    assert.equal(made.state, "open");
    await refuses(parliament.certificate("slow"), /^Proposal slow is still open: 0 of 3 approve; 3 needed\.$/);
    const faults: string[] = [];
    for (const agent of ["a1", "a2"])
      faults.push((await coordinator.handle("injectFault", { swarm, fault: { kind: "pause", agent } })).id);
    await until("its time is over", () => Date.now() > made.deadlineMs + 500);
    assert.deepEqual(parliament.told("slow"), []);
    const paused = await coordinator.handle("swarm", { swarm });
    assert.equal(paused.proposals?.find(({ id }) => id === "slow")?.state, "open");
    for (const fault of faults) await coordinator.handle("healFault", { swarm, fault });
    await until("it is decided", () => parliament.told("slow").length > 0, 20_000);
    assert.deepEqual(parliament.told("slow"), ["expired"]);
    const expired = await parliament.proposal("slow");
    assert.equal(expired.state, "expired");
    await refuses(
      parliament.certificate("slow"),
      /^Proposal slow has no certificate, it expired: who did not vote has signed nothing \(/,
    );
  });
});
