import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Cluster } from "./cluster.ts";
import { changeMembers, get, members, put, refusal, stored, submit } from "./operations.ts";

function write(cluster: Cluster, id: string, count: number): void {
  for (let at = 0; at < count; at++) assert.ok(cluster.ask(id, put(`k${at % 10}`, `v${at}`)).ok);
}

/** A leader that has decided something: before that it does not know what its predecessors did. */
function settledLeader(cluster: Cluster): string {
  const leader = cluster.elect();
  assert.ok(cluster.ask(leader, put("first", "")).ok);
  return leader;
}

/** Who the members are by its log: "a1 a2 / a3". */
function membersAt(cluster: Cluster, id: string): string {
  const { voters, learners } = cluster.agent(id).report(cluster.now);
  return `${voters.join(" ")} / ${learners.join(" ")}`;
}

function agree(cluster: Cluster, on: string, ids = cluster.ids): void {
  cluster.until(`all have the members ${on}`, () => ids.every((id) => membersAt(cluster, id) === on));
}

describe("members of a running swarm", () => {
  it("do not put anything to the vote of all before they know who votes: others do", () => {
    const cluster = new Cluster({ size: 3 });
    settledLeader(cluster);
    cluster.join("a4");
    const proposal = { id: "p", subject: "s", body: "{}" };
    const answer = cluster.ask("a4", { op: "propose", proposal });
    assert.match(refusal(answer), /^unavailable: this agent does not know yet who votes; ask another one$/);
    assert.ok(cluster.ask("a1", { op: "propose", proposal }).ok);
  });

  it("join as learners that catch up by snapshot, get a vote, and decide where others are gone", () => {
    const cluster = new Cluster({ size: 3, snapshotEveryEntries: 40 });
    const leader = settledLeader(cluster);
    write(cluster, leader, 200);
    cluster.join("a4");
    assert.equal(members(cluster.ask(leader, changeMembers({ add: "a4" }))), "a1 a2 a3 / a4");
    agree(cluster, "a1 a2 a3 / a4");
    cluster.until("it has caught up", () => {
      const applied = (id: string) => cluster.agent(id).report(cluster.now).applied;
      return applied("a4") === applied(leader);
    });
    assert.ok(cluster.node("a4").events.some(({ kind }) => kind === "snapshotInstalled"));
    assert.equal(members(cluster.ask(leader, changeMembers({ promote: "a4" }))), "a1 a2 a3 a4 / ");
    agree(cluster, "a1 a2 a3 a4 / ");
    assert.equal(members(cluster.ask(leader, changeMembers({ remove: "a1" }))), "a2 a3 a4 / ");
    cluster.node("a1").kill();
    cluster.node("a2").kill();
    cluster.until("the two that are left have a leader", () => ["a3", "a4"].includes(cluster.leader ?? ""));
    assert.equal(stored(cluster.ask("a4", get("k9"))), "v199");
  });

  it("are asked for at the leader; others say who that is; what is so already is said to be", () => {
    const cluster = new Cluster({ size: 3 });
    const leader = settledLeader(cluster);
    const other = cluster.follower();
    assert.equal(refusal(cluster.ask(other, changeMembers({ remove: "a1" }))), `unavailable: ${leader} leads; ask it`);
    assert.equal(refusal(cluster.ask(other, { op: "transferLeader" })), `unavailable: ${leader} leads; ask it`);
    assert.equal(members(cluster.ask(leader, changeMembers({ add: other }))), "unchanged: a1 a2 a3 / ");
    assert.match(refusal(cluster.ask(leader, changeMembers({ add: "a9" }))), /^refused: "a9" is not in the swarm's/);
    assert.match(refusal(cluster.ask(leader, changeMembers({ promote: "a9" }))), /^refused: "a9" is not in/);
    assert.equal(members(cluster.ask(leader, changeMembers({ remove: "a9" }))), "unchanged: a1 a2 a3 / ");
    for (const change of [undefined, {}, { add: "" }, { add: 3 }, { add: "a1", remove: "a1" }, { voters: ["a1"] }])
      assert.match(refusal(cluster.ask(leader, changeMembers(change as never))), /^invalid: .*give \{ add/);
    const timeoutMs = -1;
    assert.match(refusal(cluster.ask(leader, { ...changeMembers({ add: "a1" }), timeoutMs })), /^invalid: timeoutMs/);
  });

  it("change many at once through a joint phase, and are answered when that is left", () => {
    const cluster = new Cluster({ size: 5 });
    const leader = settledLeader(cluster);
    const [one, two, three, four] = cluster.ids.filter((id) => id !== leader) as [string, string, string, string];
    const target = { voters: [leader, one, two].sort(), learners: [three] };
    const told = members(cluster.ask(leader, changeMembers(target)));
    assert.equal(told, `${target.voters.join(" ")} / ${three}`);
    const changes = cluster.node(leader).events.filter(({ kind }) => kind === "configurationChanged");
    assert.deepEqual(
      changes.map(({ fields }) => (fields.outgoing as string[]).length),
      [5, 0],
    );
    assert.equal(cluster.agent(leader).report(cluster.now).outgoing.length, 0);
    cluster.node(three).kill();
    cluster.node(four).kill();
    cluster.node(two).kill();
    assert.ok(cluster.ask(leader, put("k", "two of three voters")).ok);
  });

  it("hand leadership over to whom is named, or to anybody; not to a learner", () => {
    const cluster = new Cluster({ size: 3 });
    const leader = settledLeader(cluster);
    const to = cluster.follower();
    const answer = cluster.ask(leader, { op: "transferLeader", to });
    assert.ok(answer.ok && answer.value.type === "leader", JSON.stringify(answer));
    assert.equal(answer.value.leader, to);
    cluster.until("it leads", () => cluster.leader === to);
    const again = cluster.ask(to, { op: "transferLeader", to });
    assert.ok(again.ok && again.value.type === "leader" && again.value.leader === to, "it leads already");
    const anybody = cluster.ask(to, { op: "transferLeader" });
    assert.ok(anybody.ok && anybody.value.type === "leader" && anybody.value.leader !== to, JSON.stringify(anybody));
    const third = settledLeader(cluster);
    cluster.join("a4");
    assert.equal(members(cluster.ask(third, changeMembers({ add: "a4" }))), "a1 a2 a3 / a4");
    assert.match(refusal(cluster.ask(third, { op: "transferLeader", to: "a4" })), /^refused: "a4" is no voter/);
  });

  it("are told at the end of their patience, and when they are too late at one that stops", () => {
    const cluster = new Cluster({ size: 3 });
    const leader = settledLeader(cluster);
    cluster.join("a4");
    cluster.passes = (from) => from === leader;
    const late = cluster.ask(leader, { ...changeMembers({ add: "a4" }), timeoutMs: 100 });
    assert.match(refusal(late), /^timeout: not decided in time; it may be still/);
    cluster.passes = () => true;
    cluster.run(2000);
    const next = cluster.elect();
    cluster.agent(next).leave(cluster.now);
    assert.match(refusal(cluster.ask(next, changeMembers({ add: "a1" }))), /^stopping/);
  });

  it("that are removed get no tasks, and what they ran is run by others", () => {
    const cluster = new Cluster({ size: 4, slots: 5, taskLeaseMs: 60_000 });
    const leader = settledLeader(cluster);
    for (const node of cluster.nodes.values()) node.taskMs = 1_000_000;
    for (let at = 1; at <= 8; at++) assert.ok(cluster.ask(leader, submit(`t${at}`)).ok);
    const leaving = cluster.follower();
    cluster.until("it runs some", () => cluster.node(leaving).runs.length === 2);
    const ran = cluster.node(leaving).runs.map(({ spec }) => spec.id);
    assert.ok(cluster.ask(leader, changeMembers({ remove: leaving })).ok);
    const others = () => [...cluster.nodes.values()].filter(({ id }) => id !== leaving).flatMap(({ runs }) => runs);
    cluster.until("others run them", () => ran.every((id) => others().some(({ spec }) => spec.id === id)));
    for (let at = 9; at <= 12; at++) assert.ok(cluster.ask(leader, submit(`t${at}`)).ok);
    cluster.until("others run all", () => others().length >= 12);
    assert.equal(cluster.node(leaving).runs.length, 2);
    const refused = cluster.ask(leader, submit("pinned", { agent: leaving }));
    assert.match(refusal(refused), /^invalid: .*which is not in this swarm/);
  });

  it("that learn run tasks as well", () => {
    const cluster = new Cluster({ size: 3, slots: 1 });
    const leader = settledLeader(cluster);
    cluster.join("a4");
    assert.ok(cluster.ask(leader, changeMembers({ add: "a4" })).ok);
    for (const node of cluster.nodes.values()) node.taskMs = 1_000_000;
    for (let at = 1; at <= 4; at++) assert.ok(cluster.ask(leader, submit(`t${at}`)).ok);
    cluster.until("the learner runs one", () => cluster.node("a4").runs.length === 1);
  });

  it("count as participating when they vote, whoever else is there", () => {
    const cluster = new Cluster({ size: 3 });
    const leader = settledLeader(cluster);
    cluster.join("a4");
    assert.ok(cluster.ask(leader, changeMembers({ add: "a4" })).ok);
    cluster.run(500);
    cluster.agent(leader).report(cluster.now);
    write(cluster, leader, 20);
    const { ackParticipation } = cluster.agent(leader).report(cluster.now);
    assert.ok(ackParticipation !== null && ackParticipation > 0.6 && ackParticipation <= 1, `${ackParticipation}`);
  });

  it("may be unknown to an agent that was not told yet: it goes on, and knows them once it is", () => {
    const cluster = new Cluster({ size: 3, topology: "ring" });
    const leader = settledLeader(cluster);
    const untold = cluster.ids.find((id) => id !== leader) as string;
    cluster.join("a4", [untold]);
    assert.ok(cluster.ask(leader, changeMembers({ add: "a4" })).ok);
    write(cluster, untold, 20);
    cluster.run(2000);
    assert.equal(cluster.agent(untold).report(cluster.now).members.length, 3);
    cluster.tell(untold);
    cluster.until("it hears of the new one", () => {
      const seen = cluster
        .agent(untold)
        .report(cluster.now)
        .members.find(({ id }) => id === "a4");
      return seen?.state === "alive";
    });
    agree(cluster, "a1 a2 a3 / a4");
  });

  it("whose links are taken away are no neighbours any more, at the latest when the link closes", () => {
    const cluster = new Cluster({ size: 3 });
    cluster.elect();
    const links = () =>
      cluster
        .agent("a1")
        .report(cluster.now)
        .links.map(({ peer }) => peer);
    assert.deepEqual(links(), ["a2", "a3"]);
    cluster.agent("a1").rosterChanged(cluster.ids, [{ a: "a1", b: "a2" }], cluster.now);
    assert.deepEqual(links(), ["a2", "a3"], "it is up still");
    cluster.cut("a1", "a3");
    cluster.run(10);
    assert.deepEqual(links(), ["a2"]);
    assert.throws(() => cluster.agent("a1").rosterChanged(["a1", "a3", "a2"], [], cluster.now), RangeError);
    assert.throws(
      () => cluster.agent("a1").rosterChanged(cluster.ids, [{ a: "a1", b: "a9" }], cluster.now),
      RangeError,
    );
  });
});
