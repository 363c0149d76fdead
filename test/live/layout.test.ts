import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, it } from "mocha";
import { sameSecret } from "../../server/live/identity.ts";
import {
  agentPaths,
  diskSentence,
  LayoutProblem,
  readLife,
  readSwarm,
  readToken,
  removeSwarm,
  swarmPaths,
  swarmsIn,
  writeLife,
} from "../../server/live/layout.ts";
import { freePorts } from "../../server/live/ports.ts";
import { identityOf, isRunning, kill } from "../../server/live/process.ts";
import { checkedSwarm } from "../../server/live/swarm-file.ts";
import { TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

describe("a swarm on disk", () => {
  let swarm: TestSwarm;

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  it("is read as it was written, with secrets that only the owner may read", async () => {
    swarm = await TestSwarm.make(2);
    const { folder, id } = swarm.file;
    assert.deepEqual(readSwarm(folder, id), swarm.file);
    assert.equal(readToken(folder, id), swarm.token);
    assert.deepEqual(swarmsIn(folder), [id]);
    assert.equal(readLife(folder, id, "a1"), null);
    const life = { pid: 5, startTime: "77", incarnation: 2, port: 9, startedAtMs: 1 };
    writeLife(agentPaths(folder, id, "a1"), life);
    assert.deepEqual(readLife(folder, id, "a1"), life);
    if (process.platform === "win32") return;
    assert.equal(
      statSync(swarmPaths(folder, id).root).mode & 0o777,
      0o700,
      "logs and outputs are nobody else's to read",
    );
    for (const secret of [swarmPaths(folder, id).secret, agentPaths(folder, id, "a2").key])
      assert.equal(statSync(secret).mode & 0o777, 0o600);
    assert.ok(!readFileSync(swarmPaths(folder, id).swarm, "utf8").includes(swarm.token));
  });

  it("is not found when it was removed, and leaves nothing", async () => {
    swarm = await TestSwarm.make(2);
    const { folder, id } = swarm.file;
    removeSwarm(folder, id);
    assert.deepEqual(swarmsIn(folder), []);
    assert.ok(!existsSync(join(folder, ".agent-mesh")));
  });

  it("is refused with file and field when it was tampered with", async () => {
    swarm = await TestSwarm.make(2);
    const { folder, id } = swarm.file;
    const path = swarmPaths(folder, id).swarm;
    const tamper = (change: object): void => writeFileSync(path, JSON.stringify({ ...swarm.file, ...change }));
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ graceMs: "long" }, /graceMs must be a number/],
      [{ agents: [{ id: "../a1", port: 1, publicKey: "" }] }, /agents\[0\]\.id must be letters/],
      [{ agents: [swarm.file.agents[0], swarm.file.agents[0]] }, /names an agent twice/],
      [{ links: [{ a: "a1", b: "a9" }] }, /"a9", which is no agent/],
      [{ topology: "donut" }, /topology must be one of/],
      [{ topology: "k-regular", degree: 1 }, /degree must be .*from 2 to 16/],
      [{ version: 2 }, /version/],
    ];
    for (const [change, message] of wrong) {
      tamper(change);
      assert.throws(
        () => readSwarm(folder, id),
        (error: Error) => error instanceof LayoutProblem && error.message.includes(path) && message.test(error.message),
      );
    }
    rmSync(path);
    assert.throws(() => readSwarm(folder, id), /does not exist/);
    assert.throws(() => swarmPaths(folder, "../elsewhere"), LayoutProblem);
    assert.throws(() => checkedSwarm(null), /must be an object/);
  });

  it("says what a failed write means", async () => {
    swarm = await TestSwarm.make(1);
    const sentence = (code: string): string => diskSentence("/x", Object.assign(new Error("why"), { code }));
    assert.match(sentence("ENOSPC"), /disk is full: \/x/);
    assert.match(sentence("EACCES"), /\/x is not writable by this user/);
    assert.match(sentence("EIO"), /disk failed while \/x/);
  });
});

describe("ports, secrets and processes", () => {
  it("free ports are different from each other, and a taken one is named", async () => {
    const ports = await freePorts(20, 0);
    assert.equal(new Set(ports).size, 20);
    // Where no system puts outgoing connections, which could take the port of an agent that is down.
    for (const port of ports) assert.ok(port >= 10_000 && port < 32_768, String(port));
    const server = createServer();
    const taken = ports[0] as number;
    await new Promise<void>((resolve) => server.listen(taken, "127.0.0.1", () => resolve()));
    await assert.rejects(freePorts(1, taken), new RegExp(`Port ${taken} .* taken`));
    await new Promise((resolve) => server.close(resolve));
    await assert.rejects(freePorts(10, 65_530), /do not fit/);
  });

  it("secrets are compared whole", () => {
    assert.ok(sameSecret("token", "token"));
    for (const other of ["", "toke", "token ", "Token"]) assert.ok(!sameSecret("token", other));
  });

  it("a process is the same only with its start time, and not once it has ended", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    const identity = identityOf(child.pid as number);
    assert.ok(isRunning(identity));
    if (identity.startTime !== "") {
      const later = { ...identity, startTime: `${identity.startTime}1` };
      assert.ok(!isRunning(later));
      assert.ok(!kill(later), "another process with the same id is not killed");
    }
    assert.ok(kill(identity));
    await eventually("it has ended", () => !isRunning(identity));
    assert.ok(!kill(identity));
  });
});
