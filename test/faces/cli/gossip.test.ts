import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import type { ProposalInfo } from "../../../server/contract/proposals.ts";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import { eventually } from "../../live/waiting.ts";
import { Terminal } from "../terminal.ts";

const MESH = "agents: 5\nconsensus: gossip\n";

describe("a gossip swarm on the command line", function () {
  this.timeout(90_000);
  const terminal = new Terminal();
  let front: Awaited<ReturnType<Terminal["up"]>>;
  before(async () => {
    front = await terminal.up(terminal.mesh(MESH, "eventual.mesh.yaml"));
  });
  after(async () => {
    await terminal.run("stop");
    await terminal.assertNothingLeft();
    terminal.end();
  });

  const status = (): Promise<SwarmView> => terminal.json<SwarmView>(0, "status");
  const whole = (): Promise<SwarmView> =>
    eventually("all have the same, and know it", async () => {
      const swarm = await status();
      const { agents, health } = swarm;
      const counted = agents.every(({ gossip }) => gossip?.members === agents.length);
      return health.level === "ok" && health.agreement === 1 && counted && swarm;
    });
  async function refused(sentence: RegExp, ...words: string[]): Promise<void> {
    const { code, stderr, stdout } = await terminal.run(...words);
    assert.equal(code, 1, `${words.join(" ")}: ${stdout}${stderr}`);
    assert.match(stderr, sentence);
    assert.equal(stdout, "");
  }

  const told = (): number => front.running.lines.filter(({ type }) => type === "health").length;

  it("comes up without an election", () => {
    assert.equal(front.swarm.health.level, "ok");
    assert.match(front.swarm.health.summary, /^5\/5 agents, /);
  });

  it("checks a mesh file, and says what it will be", async () => {
    const { code, stdout } = await terminal.run("check", "eventual.mesh.yaml");
    assert.equal(code, 0);
    assert.match(stdout, /5 agents, mesh, gossip \(eventual, without a leader: no tasks, no compare-and-set\): good\./);
  });

  it("shows agreement where others show roles, and speaks of no leader, term, view, quorum or task", async () => {
    await whole();
    const [shown, members] = [await terminal.run("status"), await terminal.run("members")];
    const metrics = await eventually("something is measured", async () => {
      const asked = await terminal.run("metrics");
      return /^Agreement, least +[\d.]/m.test(asked.stdout) && asked;
    });
    assert.match(shown.stdout, /: running, 5\/5 agents, converged\n/);
    assert.match(
      shown.stdout,
      /^agent +state +pid +port +entries +agreement +known by +behind +cpu % +MB +links +reputation\na1 +running +\d+ +\d+ +\d+ +1 +5\/5 +0 .* [01]\.\d\d$/m,
    );
    assert.match(members.stdout, /^voters a1, a2, a3, a4, a5; each takes writes and votes, nobody leads\n/);
    assert.match(metrics.stdout, /^Agreement, least +1$/m);
    assert.match(metrics.stdout, /^Convergence time, p50 /m);
    for (const { stdout } of [shown, metrics])
      assert.doesNotMatch(stdout, /\b(leader|term|view|quorum|task|tasks|election|elections|votes?|candidate)\b/i);
  });

  it("writes and reads the memory, and says on stderr what that is worth", async () => {
    const written = await terminal.run("memory", "put", "demo", "k", "hello");
    assert.match(written.stdout, /^version \d+\n$/);
    assert.match(written.stderr, /one agent has it on its disk and tells the others/);
    const read = await terminal.run("memory", "get", "demo", "k");
    assert.deepEqual([read.code, read.stdout], [0, "hello\n"]);
    assert.match(read.stderr, /gossip is eventual/);
    const item = await terminal.json<{ readonly item: { readonly text: string } }>(0, "memory", "get", "demo", "k");
    assert.equal(item.item.text, "hello");
    assert.match((await terminal.run("memory", "list", "demo")).stdout, /^k +\d+ +never +hello$/m);
    assert.equal((await terminal.run("memory", "delete", "demo", "k")).stdout, "deleted\n");
  });

  it("counts and keeps sets, and says what they are in a list", async () => {
    const memory = (...words: string[]) => terminal.run("memory", ...words);
    assert.equal((await memory("increment", "shop", "visits", "5", "--agent", "a1")).stdout, "5\n");
    const counted = await memory("decrement", "shop", "visits", "--agent", "a1");
    assert.equal(counted.stdout, "4\n");
    assert.match(counted.stderr, /the total is what that agent knows of/);
    assert.equal((await memory("add", "shop", "basket", "apples", "--agent", "a1")).stdout, "added\n");
    assert.equal(
      (await memory("add", "shop", "basket", "apples", "--agent", "a1")).stdout,
      "(was an element already)\n",
    );
    const list = (await memory("list", "shop", "--agent", "a1")).stdout;
    assert.match(list, /^key +type +version +expires +value$/m);
    assert.match(list, /^basket +set +\d+ +never +\["apples"\]$/m);
    assert.match(list, /^visits +counter +\d+ +never +4$/m);
    assert.equal((await memory("remove", "shop", "basket", "pears", "--agent", "a1")).stdout, "(no such element)\n");
    assert.equal((await memory("remove", "shop", "basket", "apples", "--agent", "a1")).stdout, "removed\n");
    await refused(/holds a counter, and put is for a value/, "memory", "put", "shop", "visits", "x", "--agent", "a1");
    const wrong = await memory("increment", "shop", "visits", "x");
    assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
    assert.match(wrong.stderr, /takes a whole number from 1, not "x"/);
  });

  it("refuses what takes an order or a leader with the reason, and does nothing", async () => {
    await refused(
      /compareAndSet takes one order for all.*use consensus: raft or pbft/,
      "memory",
      "cas",
      "demo",
      "k",
      "v",
      "--expect",
      "0",
    );
    await refused(
      /a task is leased to one agent at a time, which takes one order/,
      "submit",
      "--",
      "node",
      "--version",
    );
    await refused(/Nobody only learns in a gossip swarm/, "members", "add", "--learner");
    await refused(/Nobody only learns in a gossip swarm/, "members", "promote", "a2");
    await refused(/nobody leads in it/, "members", "transfer-leader");
    await refused(
      /in which nobody leads: name an agent \(a1, a2, a3, a4, a5\), or say one/,
      "fault",
      "crash",
      "leader",
    );
    const lie = await terminal.run("fault", "byzantine: { agent: a2, behaviour: doubleVote }");
    assert.equal(lie.code, 2);
    assert.match(lie.stderr, /whose agents can lie so: silent, delay, replay/);
    assert.equal((await terminal.run("tasks")).stdout, "No task.\n");
    assert.equal((await terminal.run("fault")).stdout, "No active fault.\n");
  });

  it("decides a proposal, says who is known to have it, and writes its certificate", async () => {
    const proposed = await terminal.run("propose", "deploy 1.4", '{"v":1}', "--id", "p1", "--certificate", "c.json");
    assert.equal(proposed.code, 0, proposed.stderr);
    assert.match(
      proposed.stdout,
      /^proposal p1 "deploy 1\.4" approved: [45] of 5 approve; 4 needed, after [\d.]+ s\n$/,
    );
    await whole();
    const shown = await terminal.run("proposals", "p1");
    assert.match(shown.stdout, /^proposal p1 .*\nall 5 agents are known to have it\n/);
    const { spread } = await terminal.json<ProposalInfo>(0, "proposals", "p1");
    assert.deepEqual([spread?.agreement, spread?.sameVector, spread?.members], [1, 5, 5]);
    assert.match((await terminal.run("verify", "c.json")).stdout, /^holds: "deploy 1\.4" was approved/);
    assert.equal(JSON.parse(readFileSync(join(terminal.folder, "c.json"), "utf8")).outcome, "approved");
  });

  it("goes on in both parts of a partition, and says of a proposal that others lack it", async () => {
    assert.match((await terminal.run("fault", "partition", "a1,a2", "a3,a4,a5")).stdout, /partitioned \(f1\)/);
    assert.equal((await terminal.run("memory", "put", "demo", "cut", "x")).code, 0);
    assert.equal((await terminal.run("propose", "while cut", "--id", "p2", "--timeout", "60s")).code, 0);
    const shown = await eventually("it is said to be known by some", async () => {
      const { stdout } = await terminal.run("proposals", "p2");
      return /^agreement 0\.\d\d: \d of 5 are known to have all that a\d has, this included;/m.test(stdout) && stdout;
    });
    assert.match(shown, /^proposal p2 "while cut" is open until /);
    const { health } = await status();
    assert.match(health.summary, /^5\/5 agents, agreement 0\.\d\d, \d of 5 known to have it all, 4\/10 links$/);
    assert.equal((await terminal.run("heal", "f1")).code, 0);
    await whole();
    await eventually("it is approved", async () =>
      (await terminal.run("proposals", "p2")).stdout.includes(" approved: "),
    );
  });

  it("takes an agent in, which has what was written before, and lets it go", async () => {
    await terminal.run("memory", "put", "demo", "before", "it came");
    const added = await terminal.run("members", "add");
    assert.deepEqual(
      [added.code, added.stdout],
      [0, "a6 is added and votes; voters a1, a2, a3, a4, a5, a6\n"],
      added.stderr,
    );
    terminal.remember(await status());
    await eventually("a6 has it", async () => {
      const { stdout } = await terminal.run("memory", "get", "demo", "before", "--agent", "a6");
      return stdout === "it came\n";
    });
    await whole();
    assert.match((await terminal.run("members")).stdout, /^a6 +voter +running +\d+$/m);
    assert.match((await terminal.run("status")).stdout, /^a6 +running +\d+ +\d+ +\d+ +1 +6\/6 +0 /m);
    const removed = await terminal.run("members", "remove", "a6");
    assert.deepEqual(
      [removed.stdout, removed.stderr],
      ["a6 is removed, its process has ended; voters a1, a2, a3, a4, a5\n", ""],
    );
    await whole();
  });

  it("is joined from another folder, by an agent that leaves at Ctrl-C", async () => {
    const secretFile = join(terminal.folder, "secret.txt");
    writeFileSync(secretFile, (await terminal.run("secret")).stdout, { mode: 0o600 });
    const dir = join(terminal.folder, "elsewhere");
    mkdirSync(dir);
    const address = `127.0.0.1:${(await status()).agents[1]?.port}`;
    const asked = ["join", address, "--secret", secretFile, "--id", "guest", "--dir", dir];
    const refusal = await terminal.start([...asked, "--learner"]).ended();
    assert.equal(refusal.code, 1);
    assert.match(refusal.stderr, /refused: Nobody only learns in a gossip swarm/);
    const guest = terminal.start(asked);
    await guest.text(/guest is a voter of eventual, on port \d+\. Ctrl-C leaves it\./);
    await whole();
    assert.match((await terminal.run("status")).stdout, /^guest +running, joined +- +\d+ +\d+ +1 +6\/6 /m);
    guest.signal("SIGINT");
    const { code, stdout } = await guest.ended();
    assert.equal(code, 0, stdout);
    assert.match(stdout, /guest has left; nothing of it is left\.\n$/);
    assert.equal((await whole()).agents.length, 5);
  });

  it("says that a liar is more than gossip survives", async () => {
    const lie = await terminal.run("fault", "byzantine: { agent: a2, behaviour: silent }", "--for", "300ms");
    assert.equal(lie.code, 0, lie.stderr);
    assert.match(lie.stderr, /Gossip does not promise to survive an agent that lies/);
    await front.running.line("notice", ({ message }) =>
      /Gossip does not promise to survive this/.test(String(message)),
    );
    await whole();
  });

  it("tells on `up` of who is there, and of convergence after that, not of every write", async () => {
    const before = told();
    for (let number = 0; number < 10; number++) await terminal.run("memory", "put", "demo", `n${number}`, "x");
    await whole();
    assert.equal(told(), before);
  });
});
