import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { MemoryAnswer } from "../../../server/contract/coordinator.ts";
import type { ActiveFault } from "../../../server/contract/faults.ts";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import { eventually } from "../../live/waiting.ts";
import { Terminal } from "../terminal.ts";

describe("where an agent is cut off, agent-mesh", function () {
  this.timeout(60_000);
  const terminal = new Terminal();
  let fault: string;
  before(async () => {
    await terminal.up(terminal.mesh("agents: 3\n"));
    await terminal.json<MemoryAnswer>(0, "memory", "put", "n", "k", "old");
    const text = "partition: { sides: [[a3], [a1, a2]] }";
    fault = (await terminal.json<ActiveFault>(0, "fault", text)).id;
    await eventually("it says so", async () => (await status()).health.readOnly?.join() === "a3", 20_000);
  });
  after(() => terminal.end());

  const status = (): Promise<SwarmView> => terminal.json<SwarmView>(0, "status");

  it("status says so in its first line, in the table, and with how many voters answer", async () => {
    const { stdout } = await terminal.run("status");
    assert.match(stdout, /^.*: running, 3\/3 agents, leader a\d, term \d+, a3 read-only, 1\/3 links\n/);
    assert.match(stdout, /^a3 +read-only +/m);
    assert.match(stdout, /^a3 is read-only alone: 1 of 3 voters answer, 2 decide \(since \d\d:\d\d:\d\d\)$/m);
  });

  it("memory is refused there at once, in a sentence, and read with --local, which says what that is worth", async () => {
    const refused = await terminal.run("memory", "put", "n", "k", "new", "--agent", "a3");
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /Agent a3: a3 is alone on a side of a partition .* with 1 of 3 voters, and 2 decide: read-only until it heals/,
    );
    assert.equal((await terminal.run("memory", "put", "n", "k", "new")).code, 0);
    const read = await terminal.run("memory", "get", "n", "k", "--agent", "a3", "--local");
    assert.deepEqual([read.code, read.stdout], [0, "old\n"]);
    assert.match(
      read.stderr,
      /read at a3, on a read-only side of a partition: 1 of 3 voters answer there, 2 decide; it may be old\./,
    );
    const answer = await terminal.json<MemoryAnswer>(0, "memory", "list", "n", "--agent", "a3", "--local");
    assert.ok(answer.type === "items" && answer.side?.state === "readOnly" && answer.from === "a3");
    const idle = await terminal.run("memory", "put", "n", "k", "v", "--local");
    assert.deepEqual([idle.code, /--local is for memory get and list/.test(idle.stderr)], [2, true]);
  });

  it("metrics has it, and once it is healed how long catching up took", async () => {
    await terminal.json(0, "heal", fault);
    await eventually(
      "it is back",
      async () => {
        const { health, agents } = await status();
        return health.readOnly === undefined && agents.every(({ partition }) => partition?.state === "whole");
      },
      20_000,
    );
    let told = "";
    // On a busy machine somebody may have been cut off once more.
    const isMeasured = async (): Promise<boolean> => {
      told = (await terminal.run("metrics")).stdout;
      return /^Time to recover +[\d.]+ +ms$/m.test(told) && /^Cut off +[1-9]\d* +times$/m.test(told);
    };
    await eventually("it is measured", isMeasured, 20_000).catch((error: Error) =>
      assert.fail(`${error.message}\n${told}`),
    );
  });
});
