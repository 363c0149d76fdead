import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, describe, it } from "mocha";
import { identityOf, isRunning, kill, startTimeIn } from "../../server/live/process.ts";

/** A program that listens, with threads that are busy: it prints its port. */
const listening = `
  const { Worker } = require("node:worker_threads");
  for (let i = 0; i < 4; i++) new Worker("for (;;);", { eval: true });
  const server = require("node:net").createServer();
  server.listen({ host: "127.0.0.1", port: 0 }, () => console.log(server.address().port));
`;

/** The stat of proc(5): field 20 is the number of threads, field 22 the start time. */
const stat = (state: string, threads: number): string =>
  `4242 (no) Z (really)) ${state} 1 4242 4242 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 ${threads} 0 987654 0 0\n`;

describe("a process", () => {
  let child: ChildProcess | undefined;
  afterEach(() => {
    child?.kill("SIGKILL");
  });

  it("that was killed runs until the last of its threads is gone, and with it its port", async () => {
    for (let round = 0; round < 5; round++) {
      child = spawn(process.execPath, ["-e", listening], { stdio: ["ignore", "pipe", "ignore"] });
      const exited = once(child, "exit");
      const [printed] = await once(child.stdout as NodeJS.EventEmitter, "data");
      const port = Number(String(printed));
      const identity = identityOf(child.pid as number);
      assert.ok(isRunning(identity));
      assert.ok(kill(identity));
      while (isRunning(identity));
      assert.equal(await canListen(port), true, `port ${port}`);
      await exited;
    }
  });

  it("has ended as a zombie of which no thread is left, whatever its command is called", () => {
    assert.equal(startTimeIn(stat("S", 11)), "987654");
    assert.equal(startTimeIn(stat("Z", 3)), "987654");
    assert.equal(startTimeIn(stat("Z", 1)), "ended");
    assert.equal(startTimeIn(stat("X", 0)), "ended");
  });
});

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
