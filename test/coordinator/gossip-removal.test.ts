// Who is asked to remove an agent of a gossip swarm, and when its process may end: agents that answer as a test says.

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { MeshError } from "../../server/client/errors.ts";
import type { ClientOperation, ClientValue } from "../../server/contract/client.ts";
import { AgentWatch } from "../../server/coordinator/agent-watch.ts";
import { GossipMembers } from "../../server/coordinator/gossip-members.ts";
import type { MemberGround } from "../../server/coordinator/member-requests.ts";
import { Refusal } from "../../server/coordinator/refusal.ts";
import { reportOf } from "../client/fake-agent.ts";

const IDS = ["a1", "a2", "a3"];
const SPREAD_MS = 60;
/** What is told once counts for as long as the test takes. */
const NEVER_STALE_MS = 600_000;

/** Says what an agent answers; what it does besides is up to the test. */
type Answer = (agent: AgentWatch) => ClientValue;

class FakeSwarm implements MemberGround {
  readonly agents: AgentWatch[];
  readonly asked: string[] = [];
  readonly over = false;
  readonly file = {} as MemberGround["file"];
  answer: Answer = () => removed(true);

  constructor() {
    this.agents = IDS.map((id) => {
      const watch = new AgentWatch({ id, port: 4000 }, NEVER_STALE_MS);
      watch.process = "running";
      watch.connected = true;
      return watch;
    });
    for (const id of IDS) this.says(id, IDS);
  }

  agent(id: string): AgentWatch {
    return this.agents.find((one) => one.id === id) as AgentWatch;
  }

  observer(agent: AgentWatch): ReturnType<MemberGround["observer"]> {
    return {
      request: async (operation: ClientOperation) => {
        if (operation.op === "report") {
          if (agent.report === null) throw new MeshError("unavailable", "notApplied", `${agent.id} is gone`);
          return { type: "report", report: agent.report };
        }
        assert.deepEqual(operation, { op: "changeMembers", change: { remove: "a2" } });
        this.asked.push(agent.id);
        return this.answer(agent);
      },
    };
  }

  says(id: string, voters: readonly string[], unshared = 0): void {
    const counted = voters.includes(id);
    const gossip = { members: 3, counted, sameVector: 3, behind: unshared, unshared };
    const told = { ...gossip, waiting: 0, convergedAtMs: null, agreement: 1 };
    this.agent(id).heard(reportOf(id, { role: "peer", voters, gossip: told, atMs: Date.now() }));
  }

  ends(id: string): void {
    this.agent(id).process = "crashed";
    this.agent(id).forget();
  }
}

function removed(changed: boolean): ClientValue {
  return { type: "members", changed, voters: ["a1", "a3"], learners: [] };
}

describe("the removal of an agent of a gossip swarm", () => {
  const never = new AbortController().signal;
  const remove = (swarm: FakeSwarm, changeMs = 30_000) =>
    new GossipMembers(swarm, { changeMs, spreadMs: SPREAD_MS }).remove("a2", never);
  const members = { voters: ["a1", "a3"], outgoing: [], learners: [] };

  it("is said by the one that goes, and done once another one has all that it has", async () => {
    const swarm = new FakeSwarm();
    let shared = false;
    swarm.answer = () => {
      swarm.says("a2", ["a1", "a3"], 2);
      setTimeout(() => {
        shared = true;
        swarm.says("a2", ["a1", "a3"], 0);
      }, 100);
      return removed(true);
    };
    assert.deepEqual(await remove(swarm), { members });
    assert.ok(shared);
    assert.deepEqual(swarm.asked, ["a2"]);
  });

  it("is refused while nobody else has it, as that would be lost, and asked of nobody else, whoever does not count it", async () => {
    const swarm = new FakeSwarm();
    // They do not know of a newcomer yet.
    for (const id of ["a1", "a3"]) swarm.says(id, ["a1", "a3"]);
    swarm.answer = () => {
      swarm.says("a2", ["a1", "a3"], 1);
      return removed(true);
    };
    await assert.rejects(remove(swarm, 300), (error: unknown) => {
      assert.ok(error instanceof Refusal && error.reason === "unavailable");
      assert.match(
        error.message,
        /^No other agent has said yet that it has all that a2 has, which would be lost with it/,
      );
      return true;
    });
    assert.deepEqual(swarm.asked, ["a2"]);
  });

  it("is said by another one where it is down, which may lose something, and once only", async () => {
    const swarm = new FakeSwarm();
    swarm.ends("a2");
    swarm.answer = (agent) => {
      if (agent.id === "a1") throw new MeshError("unavailable", "notApplied", "a1 is starting");
      for (const id of ["a1", "a3"]) swarm.says(id, ["a1", "a3"]);
      return removed(true);
    };
    const { warning } = await remove(swarm);
    assert.match(warning ?? "", /^a2 was down when it was removed: what it had acknowledged and told nobody is lost/);
    assert.deepEqual(swarm.asked, ["a1", "a3"]);
    swarm.answer = () => removed(false);
    assert.deepEqual(await remove(swarm), { members }, "it was removed before, and had told the others");
  });

  it("is said by others where it ended before anybody had heard of it", async () => {
    const swarm = new FakeSwarm();
    swarm.answer = (agent) => {
      if (agent.id === "a2") setTimeout(() => swarm.ends("a2"), 100);
      else for (const id of ["a1", "a3"]) swarm.says(id, ["a1", "a3"]);
      return removed(true);
    };
    assert.match((await remove(swarm)).warning ?? "", /^a2 was down/);
    assert.equal(swarm.asked.length, 2);
  });

  it("is said by others of a newcomer that has not heard that it counts: it has taken nothing", async () => {
    const swarm = new FakeSwarm();
    swarm.says("a2", ["a1", "a3"]);
    swarm.answer = () => {
      for (const id of ["a1", "a3"]) swarm.says(id, ["a1", "a3"]);
      return removed(true);
    };
    assert.deepEqual(await remove(swarm), { members });
    assert.ok(!swarm.asked.includes("a2"));
    // And again by itself where it had said so, and others lack what it took.
    swarm.says("a2", ["a1", "a3"], 2);
    setTimeout(() => swarm.says("a2", ["a1", "a3"], 0), 100);
    await remove(swarm);
    assert.equal(swarm.asked.at(-1), "a2");
  });
});
