import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { untilTask } from "../coordinator/ground.ts";
import { eventually, withDeadline } from "../live/waiting.ts";
import { PeerGround } from "./peer-ground.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

/** Uses all of the export that a program would name. */
const TYPED = `
import { joinSwarm, JoinRefused, MeshError, type JoinedAgent, type TaskFunction } from "agent-mesh/agent";
import { connect } from "agent-mesh/client";

const executor: TaskFunction = async ({ id, args, signal, output }) => {
  output(id);
  return signal.aborted ? undefined : args.join(" ");
};
export async function use(address: string, secret: string): Promise<number> {
  const agent: JoinedAgent = await joinSwarm({ address, secret, id: "n1", executor });
  const deafen: () => void = agent.onEvent(({ kind, fields }) => console.log(kind, fields));
  deafen();
  const version: number = await agent.mesh.put("settings", "colour", "green");
  const { by } = await agent.stop();
  if (by === "coordinator") throw new JoinRefused(String(MeshError.name), agent.report().term);
  return version + (typeof connect === "function" ? 1 : 0);
}
// @ts-expect-error an address is needed
void joinSwarm({ secret: "x" });
`;

describe("the package, in another program", function () {
  this.timeout(180_000);
  const peers = new PeerGround();
  let folder: string;

  before(async () => {
    await run(bin("tsc"), ["-b", "server/peer"], { cwd: root });
    folder = mkdtempSync(join(tmpdir(), "agent-mesh-packed-"));
    await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: root });
    const [archive] = readdirSync(folder);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "outside", private: true }));
    const place = join(folder, "node_modules", "agent-mesh");
    mkdirSync(place, { recursive: true });
    await run("tar", ["-xzf", join(folder, archive as string), "-C", place, "--strip-components=1"]);
    await peers.start(3);
  });
  after(async () => {
    await peers.end();
    rmSync(folder, { recursive: true, force: true });
  });

  it("has types that a strict program compiles against, without the sources", async () => {
    writeFileSync(join(folder, "typed.mts"), TYPED);
    const options = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2024", "--skipLibCheck"];
    const types = ["--typeRoots", join(root, "node_modules", "@types"), "--types", "node"];
    await run(bin("tsc"), [...options, ...types, join(folder, "typed.mts")], { cwd: folder }).catch((error) =>
      assert.fail(String((error as { stdout?: string }).stdout)),
    );
  });

  it("joins a swarm by the example, does a task with its own function, and leaves at Ctrl-C", async () => {
    copyFileSync(join(root, "examples/peer/word-counter.mjs"), join(folder, "word-counter.mjs"));
    writeFileSync(join(folder, "join-secret.txt"), `${peers.secret}\n`, { mode: 0o600 });
    const address = `127.0.0.1:${await peers.port("a2")}`;
    const child = spawn(process.execPath, ["word-counter.mjs", address, "join-secret.txt"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let told = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      told += text;
    });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    try {
      await eventually("it has joined", () => /joined quick as word-counter/.test(told), 20_000);
      const task = { id: "words", command: "count", args: ["one two", "three"], agent: "word-counter" };
      await peers.coordinator.handle("submitTask", { swarm: peers.swarm, task });
      const done = await untilTask(peers.coordinator, peers.swarm, "words", ({ state }) => state === "completed");
      assert.deepEqual([done.agent, done.outputTail], ["word-counter", "3"]);
      child.kill("SIGINT");
      assert.equal(await withDeadline(ended, 10_000, "it ends"), 0);
      assert.match(told, /ended: asked to: it was removed/);
      assert.deepEqual(readdirSync(folder).includes(".agent-mesh"), false);
      await peers.until("it is gone", ({ agents }) => agents.length === 3);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
