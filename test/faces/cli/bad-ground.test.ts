import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { MemoryAnswer } from "../../../server/contract/coordinator.ts";
import { listens } from "../../live/swarm.ts";
import { eventually } from "../../live/waiting.ts";
import { Terminal } from "../terminal.ts";

const root = process.getuid?.() === 0;

describe("on bad ground, agent-mesh up", function () {
  this.timeout(40_000);
  let terminal: Terminal;
  let mounted: string | undefined;
  beforeEach(() => {
    terminal = new Terminal();
  });
  afterEach(() => {
    if (mounted !== undefined) execFileSync("umount", ["--lazy", mounted]);
    mounted = undefined;
    terminal.end();
  });

  /** A file system of its own below the terminal's folder, which ends with the test. */
  function mount(options: string): string {
    const folder = join(terminal.folder, "disk");
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
    mounted = folder;
    return folder;
  }

  async function assertRefused(file: string, message: RegExp): Promise<void> {
    const { code, stderr } = await terminal.run("up", file);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^agent-mesh: [^\n]+\n$/, "one sentence, no stack");
    assert.match(stderr, message);
  }

  it("says which port is taken", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    try {
      await assertRefused(terminal.mesh(`agents: 2\nbasePort: ${port}\n`), new RegExp(`Port ${port} .*taken`));
      assert.deepEqual(terminal.files, []);
      assert.equal(await listens(port), true, "whose it was");
    } finally {
      server.close();
    }
  });

  it("says that its folder is not writable, and starts nothing", async () => {
    // For root every folder is writable, except on a file system that is not.
    const folder = root && process.platform === "linux" ? mount("size=1m") : join(terminal.folder, "locked");
    if (mounted === undefined) mkdirSync(folder);
    const file = join(folder, "x.mesh.yaml");
    writeFileSync(file, "agents: 2\n");
    if (mounted === undefined) chmodSync(folder, 0o555);
    else execFileSync("mount", ["-o", "remount,ro", folder]);
    try {
      await assertRefused(file, /The swarm's folder cannot be made in .* not writable by this user/);
      assert.deepEqual(readdirSync(folder), ["x.mesh.yaml"]);
    } finally {
      if (mounted === undefined) chmodSync(folder, 0o755);
    }
  });

  it("takes the place of a dead process that left a lock, and removes what it left", async () => {
    const file = terminal.mesh("agents: 1\ngrace: 500ms\n");
    const { running, swarm } = await terminal.up(file);
    running.signal("SIGKILL");
    await running.ended();
    await terminal.allEnded();
    assert.ok(terminal.files.includes(swarm.id), "its lock and its files are there");
    const next = await terminal.up(file);
    assert.ok(!terminal.files.includes(swarm.id));
    next.running.signal("SIGTERM");
    assert.equal((await next.running.ended()).code, 0);
    await terminal.assertNothingLeft();
  });

  if (root && process.platform === "linux") {
    it("says that the disk is full, and leaves nothing on it", async () => {
      const folder = mount("size=256k");
      const file = join(folder, "x.mesh.yaml");
      writeFileSync(file, "agents: 5\n");
      fill(folder);
      await assertRefused(file, /The disk is full: .* Free some space and start again\./);
      assert.deepEqual(readdirSync(folder).sort(), ["filler", "x.mesh.yaml"]);
    });

    it("tells it when the disk fills up while the swarm runs, and loses nothing that was acknowledged", async () => {
      const folder = mount("size=4m");
      const file = join(folder, "x.mesh.yaml");
      writeFileSync(file, "agents: 3\n");
      const { running } = await terminal.up(file);
      const memory = (code: number, ...words: string[]): Promise<MemoryAnswer> =>
        terminal.json<MemoryAnswer>(code, "memory", ...words, "--dir", folder);
      await memory(0, "put", "n", "kept", "before");
      fill(folder);
      const told = (pattern: RegExp): Promise<true> =>
        running.line("notice", ({ message }) => pattern.test(String(message))).then(() => true);
      const full = told(/The disk is full: .*Free some space/);
      // An agent's log may have room of its own for a while.
      const acknowledged = ["kept"];
      for (let at = 0; ; at++) {
        assert.ok(at < 50, "the disk is full at last");
        const words = ["memory", "put", "n", `k${at}`, "x".repeat(100_000), "--dir", folder];
        const put = terminal.start(words);
        // One that nobody can acknowledge any more waits for its time to be over; that need not be watched.
        const over = await Promise.race([put.ended().then(({ code }) => code !== 0), full]);
        if (over) {
          put.signal("SIGKILL");
          break;
        }
        acknowledged.push(`k${at}`);
      }
      await Promise.all([full, told(/^Agent a\d .* ended although nobody asked it to/)]);
      rmSync(join(folder, "filler"));
      await eventually("it is well again", async () => {
        await terminal.run("heal", "all", "--dir", folder);
        const { stdout } = await terminal.run("status", "--dir", folder);
        return stdout.includes("3/3 agents, leader");
      });
      const kept = await memory(0, "list", "n");
      assert.ok(kept.type === "items");
      for (const key of acknowledged)
        assert.ok(
          kept.items.some((item) => item.key === key),
          `${key} was acknowledged`,
        );
      running.signal("SIGTERM");
      assert.equal((await running.ended()).code, 0);
      assert.deepEqual(readdirSync(folder), ["x.mesh.yaml"]);
    });
  } else {
    it("on a full disk is covered by the injected one alone: no small disk can be mounted by this user here", () => {
      const injected = join(import.meta.dirname, "..", "..", "live", "log", "file-log.test.ts");
      assert.match(readFileSync(injected, "utf8"), /stops for good when the disk is full/);
    });
  }
});

/** Takes all the room that is left. */
function fill(folder: string): void {
  const filler = join(folder, "filler");
  writeFileSync(filler, "");
  for (let bytes = 1 << 20; bytes >= 1024; bytes >>= 1) {
    while (free(folder) >= bytes) writeFileSync(filler, Buffer.alloc(bytes), { flag: "a" });
  }
}

function free(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
