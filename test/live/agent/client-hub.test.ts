import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { decode, encode } from "@msgpack/msgpack";
import { afterEach, describe, it } from "mocha";
import type { WebSocket } from "ws";
import type { AgentFrame, ClientRequest } from "../../../server/contract/client.ts";
import { ClientClose, ClientHub } from "../../../server/live/agent/client-hub.ts";
import { EventFeed } from "../../../server/live/agent/event-feed.ts";
import { OutputBuffer } from "../../../server/live/agent/output-buffer.ts";
import { ReportDesk } from "../../../server/live/agent/report-desk.ts";
import { eventually } from "../waiting.ts";

/** As much of a WebSocket as a hub uses. Closing takes time, as it does in the world. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  closedWith = 0;
  sent: AgentFrame[number][] = [];

  send(frame: Uint8Array): void {
    this.sent.push(...(decode(frame) as AgentFrame));
  }

  close(code: number): void {
    this.closedWith = code;
    this.readyState = 2;
  }

  terminate(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.emit("close");
  }

  request(...requests: object[]): void {
    this.emit("message", Buffer.from(encode(requests)), true);
  }

  output(): string {
    return this.sent.map((one) => ("push" in one && one.push === "taskOutput" ? one.text : "")).join("");
  }
}

describe("an agent's clients", () => {
  const sockets: FakeSocket[] = [];
  const output = new OutputBuffer();
  let asked: ClientRequest[] = [];

  function connected(): FakeSocket {
    const unused = (): never => assert.fail("no report is due");
    asked = [];
    let nowMs = 0;
    const hub = new ClientHub({
      hello: { push: "hello", swarm: "s", agent: "a1", incarnation: 1, pid: 1 },
      feed: new EventFeed(),
      output,
      reports: new ReportDesk({ core: unused, process: unused, state: unused, signatures: unused, faulted: unused }),
      // Runs backwards: no report falls due.
      now: () => --nowMs,
      settle: (request) =>
        request.op === "propose" ? { problem: "Its body does not fit." } : { request: { ...request, timeoutMs: 5 } },
      requests: (_, requests) => void asked.push(...requests),
      gone: () => {},
      setEffects: () => {},
      setRoster: () => {},
      answered: () => {},
      stop: () => {},
      ownersChanged: () => {},
      note: () => {},
    });
    const socket = new FakeSocket();
    sockets.push(socket);
    hub.accept(socket as unknown as WebSocket);
    return socket;
  }

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.terminate();
  });

  it("are not listened to any more once they sent what is no frame", () => {
    const socket = connected();
    socket.request({ id: 1, op: "get", namespace: "n", key: "k" });
    socket.emit("message", Buffer.of(0xc1), true);
    socket.request({ id: 2, op: "get", namespace: "n", key: "k" });
    assert.equal(socket.closedWith, ClientClose.badFrame);
    assert.deepEqual(
      asked.map(({ id }) => id),
      [1],
    );
  });

  it("have their requests settled by the swarm's settings, and those that do not fit refused, before the agent sees them", () => {
    const socket = connected();
    socket.request(
      { id: 1, op: "get", namespace: "n", key: "k" },
      { id: 2, op: "propose", proposal: { subject: "s", body: "1" } },
    );
    assert.deepEqual(asked, [{ id: 1, op: "get", namespace: "n", key: "k", timeoutMs: 5 }]);
    assert.deepEqual(
      socket.sent.filter((one) => "id" in one),
      [{ id: 2, ok: false, code: "invalid", message: "Its body does not fit." }],
    );
  });

  it("are told where output was left out because they read too slowly", async () => {
    const socket = connected();
    socket.request({ id: 1, op: "observe", recent: 0, reportEveryMs: 1000, owner: false });
    const say = async (text: string, taskId = "t"): Promise<void> => {
      output.add(taskId, 7, "stdout", text);
      await eventually("it is pushed, or left out", () => output.empty);
    };
    await say("one ");
    socket.bufferedAmount = 9 * 1024 * 1024;
    await say("two ");
    await say("three ");
    await say("other", "u");
    socket.bufferedAmount = 0;
    await say("four");
    await eventually("what is due is pushed", () => socket.output().includes("four"));
    assert.equal(
      socket.output(),
      "one \n[10 characters left out: they came faster than they were read here]\n" +
        "\n[5 characters left out: they came faster than they were read here]\nfour",
    );
  });
});
