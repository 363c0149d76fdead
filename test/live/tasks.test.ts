import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, it } from "mocha";
import type { AgentPush } from "../../server/contract/client.ts";
import type { TaskInfo, TaskRequest } from "../../server/contract/swarm.ts";
import { identityOf, isRunning, kill, type ProcessIdentity } from "../../server/live/process.ts";
import type { TestClient } from "./client.ts";
import { TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

/** Writes its process id and its child's, then waits to be ended. */
const STUBBORN = `
const { spawn } = require("node:child_process");
const { writeFileSync } = require("node:fs");
process.on("SIGTERM", () => {});
const child = spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], { detached: process.argv[1] === "stray" });
writeFileSync("pids." + process.env.AGENT_MESH_AGENT, process.pid + " " + child.pid + " " + process.ppid);
console.log("started");
setInterval(() => {}, 1000);
`;

describe("a live agent's tasks", function () {
  this.timeout(30_000);
  let swarm: TestSwarm;

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  async function submit(client: TestClient, task: TaskRequest): Promise<void> {
    const value = await client.ask({ op: "submitTask", task });
    assert.equal(value.type, "task");
  }

  function task(client: TestClient, id: string, what: string, holds: (task: TaskInfo) => boolean): Promise<TaskInfo> {
    const look = async (): Promise<TaskInfo | undefined> => {
      const value = await client.ask({ op: "tasks" });
      assert.equal(value.type, "tasks");
      const { tasks } = value as { tasks: readonly TaskInfo[] };
      const found = tasks.find((one) => one.id === id);
      return found !== undefined && holds(found) ? found : undefined;
    };
    return eventually(`task ${id} ${what}`, look, 15_000);
  }

  const node = (script: string, ...args: string[]): Pick<TaskRequest, "command" | "args"> => ({
    command: process.execPath,
    args: ["-e", script, "--", ...args],
  });

  /** The processes of a STUBBORN task on an agent, once both run: the task, what it started, and the warden. */
  function processes(agent: string): Promise<ProcessIdentity[]> {
    return eventually(`the task runs on ${agent}`, () => {
      try {
        const pids = readFileSync(join(swarm.file.folder, `pids.${agent}`), "utf8")
          .split(" ")
          .map(Number);
        return pids.length === 3 && pids.map(identityOf);
      } catch {
        return false;
      }
    });
  }

  const allGone = (those: readonly ProcessIdentity[]): Promise<unknown> =>
    eventually("nothing of the task is left", () => !those.some(isRunning), 5_000);

  it("run without a shell, in the swarm's folder, with their output live and their end recorded", async () => {
    swarm = await TestSwarm.start(3);
    await swarm.leader();
    mkdirSync(join(swarm.file.folder, "inner"));
    const client = await swarm.client("a2");
    await client.ask({ op: "observe", recent: 0, reportEveryMs: 500, owner: false });
    const observers = await Promise.all(["a1", "a3"].map((id) => swarm.client(id)));
    for (const one of observers) await one.ask({ op: "observe", recent: 0, reportEveryMs: 500, owner: false });
    const script = `console.log(process.cwd(), process.argv.slice(1).join("|")); console.error("Grüße"); process.exitCode = 3`;
    await submit(client, { id: "t1", ...node(script, "$HOME; ls", "a b"), cwd: "inner" });
    const done = await task(client, "t1", "ends", ({ state }) => state === "failed");
    assert.equal(done.exitCode, 3);
    assert.ok(done.outputTail.includes(`${join(swarm.file.folder, "inner")} $HOME; ls|a b\n`), done.outputTail);
    assert.ok(done.outputTail.includes("Grüße\n"));
    type Output = Extract<AgentPush, { readonly push: "taskOutput" }>;
    const all = [client, ...observers];
    await eventually("the output was pushed", () => {
      const pushed = all.flatMap(({ pushes }) => pushes.filter((push): push is Output => push.push === "taskOutput"));
      const text = (stream: string): string =>
        pushed
          .filter((one) => one.stream === stream)
          .map((one) => one.text)
          .join("");
      return text("stderr") === "Grüße\n" && text("stdout").includes("$HOME; ls|a b\n");
    });
  });

  it("that cannot run say why", async () => {
    swarm = await TestSwarm.start(1);
    await swarm.leader();
    const client = await swarm.client("a1");
    await submit(client, { id: "unknown", command: "no-such-program-anywhere" });
    // Windows lets a junction be made without privileges, a symbolic link not.
    symlinkSync(tmpdir(), join(swarm.file.folder, "way-out"), "junction");
    await submit(client, { id: "outside", ...node(""), cwd: "way-out" });
    await submit(client, { id: "nowhere", ...node(""), cwd: "missing" });
    await submit(client, { id: "late", ...node("setInterval(() => {}, 1000)"), timeoutMs: 300 });
    const ended = ({ state }: TaskInfo): boolean => state === "failed";
    assert.match((await task(client, "unknown", "fails", ended)).error, /"no-such-program-anywhere" was not found/);
    assert.match((await task(client, "outside", "fails", ended)).error, /lies outside/);
    assert.match((await task(client, "nowhere", "fails", ended)).error, /does not exist/);
    assert.match((await task(client, "late", "fails", ended)).error, /longer than 300 ms/);
  });

  it("are ended with all they started when they are cancelled, although they do not listen", async () => {
    swarm = await TestSwarm.start(1);
    await swarm.leader();
    const client = await swarm.client("a1");
    await submit(client, { id: "t1", ...node(STUBBORN) });
    const those = await processes("a1");
    await client.ask({ op: "cancelTask", taskId: "t1" });
    await allGone(those.slice(0, 2));
  });

  it("end when their warden is killed, and say so", async () => {
    swarm = await TestSwarm.start(1);
    await swarm.leader();
    const client = await swarm.client("a1");
    await submit(client, { id: "t1", ...node(STUBBORN), maxAttempts: 1 });
    const those = await processes("a1");
    assert.ok(kill(those[2] as ProcessIdentity));
    const { error } = await task(client, "t1", "fails", ({ state }) => state === "failed");
    assert.match(error, /ended unexpectedly: SIGKILL/);
    await allGone(those);
    await submit(client, { id: "t2", ...node("console.log('again')") });
    assert.equal((await task(client, "t2", "completes", ({ state }) => state === "completed")).outputTail, "again\n");
  });

  it("end with their agent, kill -9 included, and run again on another one", async () => {
    swarm = await TestSwarm.start(3);
    await swarm.leader();
    const first = await swarm.client("a1");
    const stray = process.platform === "linux" ? ["stray"] : [];
    await submit(first, { id: "t1", ...node(STUBBORN, ...stray), maxAttempts: 1 });
    const { agent } = await task(first, "t1", "is leased", ({ state }) => state === "leased");
    const those = await processes(agent);
    assert.ok(those.every(isRunning));
    swarm.kill(agent);
    await allGone(those);
    const survivor = await swarm.client(swarm.ids.find((id) => id !== agent) as string);
    const again = await task(survivor, "t1", "is leased again", (one) => one.state === "leased" && one.agent !== agent);
    const others = await processes(again.agent);
    await (await swarm.client(again.agent)).ask({ op: "stop", reason: "enough" });
    await allGone(others);
  });

  it("end with their lease although their agent is stopped and can end nothing, which is no attempt of theirs", async () => {
    swarm = await TestSwarm.start(3, { taskLeaseMs: 1_500 });
    await swarm.leader();
    const observer = await swarm.client("a1");
    await submit(observer, { id: "t1", ...node(STUBBORN), maxAttempts: 1, agent: "a3" });
    const those = (await processes("a3")).slice(0, 2);
    await task(
      observer,
      "t1",
      "is renewed past its first lease",
      ({ submittedAtMs }) => Date.now() > submittedAtMs + 2_000,
    );
    assert.ok(those.every(isRunning), "it runs on while it is renewed");
    const { pid } = swarm.process("a3");
    process.kill(pid, "SIGSTOP");
    await allGone(those);
    process.kill(pid, "SIGCONT");
    const again = await task(observer, "t1", "is leased anew", (one) => one.state === "leased" && one.leases > 1);
    assert.equal(again.failures, 0);
  });
});
