import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { MembersView, SwarmView } from "../../../server/contract/swarm.ts";
import { isRunning } from "../../../server/live/process.ts";
import { eventually } from "../../live/waiting.ts";
import { Terminal } from "../terminal.ts";

interface Listing {
  readonly members: MembersView;
  readonly quorum: number;
  readonly leader: string;
  readonly agents: readonly { readonly id: string; readonly member: string }[];
}

describe("agent-mesh members", function () {
  this.timeout(60_000);
  const terminal = new Terminal();
  before(async () => {
    await terminal.up(terminal.mesh("agents: 3\n", "first.mesh.yaml"));
  });
  after(async () => {
    await terminal.run("stop");
    await terminal.assertNothingLeft();
    terminal.end();
  });

  const listing = (): Promise<Listing> => terminal.json<Listing>(0, "members");
  const status = (): Promise<SwarmView> => terminal.json<SwarmView>(0, "status");

  it("lists who votes, who leads and the quorum, in a table and as JSON", async () => {
    const { members, quorum, leader, agents } = await listing();
    assert.deepEqual(members, { voters: ["a1", "a2", "a3"], outgoing: [], learners: [] });
    assert.equal(quorum, 2);
    assert.ok(members.voters.includes(leader));
    assert.deepEqual(agents[0]?.member, "voter");
    const { stdout } = await terminal.run("members");
    assert.match(stdout, new RegExp(`^voters a1, a2, a3; quorum 2, leader ${leader}\n`));
    assert.match(stdout, /^a1 +voter +(leader|follower) +running +\d+$/m);
  });

  it("adds a learner, promotes it, hands the leadership to it, and removes the leader before", async () => {
    const added = await terminal.run("members", "add", "a9", "--learner");
    assert.equal(added.code, 0, added.stderr);
    assert.equal(added.stdout, "a9 is added as a learner; voters a1, a2, a3; learners a9\n");
    terminal.remember(await status());
    assert.match((await terminal.run("status")).stdout, /^a9 +running +learner +\d+/m);

    const promoted = await terminal.json<{ members: MembersView }>(0, "members", "promote", "a9");
    assert.deepEqual(promoted.members.voters, ["a1", "a2", "a3", "a9"]);
    const { leader: before } = await listing();
    const handed = await terminal.run("members", "transfer-leader", "a9");
    assert.match(handed.stdout, /^a9 leads now, in term \d+\n$/);
    await eventually("a9 is shown as the leader", async () => (await listing()).leader === "a9");

    const { agents } = await status();
    const pid = agents.find(({ id }) => id === before)?.pid as number;
    const removed = await terminal.run("members", "remove", before);
    assert.equal(removed.code, 0, removed.stderr);
    assert.match(removed.stdout, new RegExp(`^${before} is removed, its process has ended; voters `));
    assert.ok(!isRunning({ pid, startTime: "" }));
    assert.deepEqual(
      (await listing()).agents.map(({ id }) => id),
      ["a1", "a2", "a3", "a9"].filter((id) => id !== before),
    );
    // The next free id is one that nobody ever had.
    const next = await terminal.json<{ agent: string; members: MembersView }>(0, "members", "add");
    assert.equal(next.agent, "a10");
    terminal.remember(await status());
    assert.ok(next.members.voters.includes("a10"));
  });

  it("refuses in a sentence what cannot be, with exit code 1", async () => {
    for (const [words, sentence] of [
      [["add", "a9"], /first has an agent a9 already/],
      [["promote", "a9"], /a9 votes already/],
      [["remove", "zz"], /first has no agent zz\. It has /],
      [["transfer-leader", "zz"], /first has no agent zz/],
    ] as const) {
      const { code, stdout, stderr } = await terminal.run("members", ...words);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, sentence);
    }
  });

  it("refuses what makes no sense before it looks for a swarm, with exit code 2", async () => {
    for (const [words, sentence] of [
      [["remove"], /members remove takes an agent/],
      [["promote", "a1", "a2"], /takes one agent, not also "a2"/],
      [["leave", "a1"], /members takes add, remove, promote or transfer-leader, not "leave"/],
      [["remove", "a1", "--learner"], /--learner is for members add/],
      [["--agent", "a1"], /members takes no --agent/],
    ] as const) {
      const { code, stderr } = await terminal.run("members", ...words, "--dir", "/nowhere");
      assert.equal(code, 2, stderr);
      assert.match(stderr, sentence);
    }
  });
});

describe("agent-mesh members for a swarm whose coordinator was killed", function () {
  this.timeout(60_000);
  const terminal = new Terminal();
  after(() => terminal.end());

  it("stands in for it: adds and removes, and later commands find it so", async () => {
    const { running } = await terminal.up(terminal.mesh("agents: 3\ngrace: 20s\n"));
    running.signal("SIGKILL");
    await running.ended();
    const added = await terminal.json<{ members: MembersView }>(0, "members", "add", "a7");
    terminal.remember(await terminal.json<SwarmView>(0, "status"));
    assert.deepEqual(added.members.voters, ["a1", "a2", "a3", "a7"]);
    await terminal.json(0, "members", "remove", "a1");
    const { members, agents } = await terminal.json<Listing>(0, "members");
    assert.deepEqual(members.voters, ["a2", "a3", "a7"]);
    assert.deepEqual(
      agents.map(({ id }) => id),
      ["a2", "a3", "a7"],
    );
    await terminal.run("stop");
    await terminal.assertNothingLeft();
  });
});
