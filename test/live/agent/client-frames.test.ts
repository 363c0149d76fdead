import assert from "node:assert/strict";
import { decode } from "@msgpack/msgpack";
import { describe, it } from "mocha";
import { answerBytes } from "../../../server/agent/answers.ts";
import { CLIENT_FRAME_LIMIT_BYTES, type ClientResult, type ItemInfo } from "../../../server/contract/client.ts";
import type { TaskInfo } from "../../../server/contract/swarm.ts";
import { encodeAgentFrame, type Reply, replyFrames } from "../../../server/live/agent/client-frames.ts";

const itemOf = (bytes: number): ItemInfo => ({
  namespace: "ſ".repeat(128),
  key: "€".repeat(341),
  value: new Uint8Array(bytes),
  version: 2 ** 50,
  expiresAtMs: 1.5e12 + 0.5,
});
const got = (id: number, bytes: number): Reply => ({ id, ok: true, value: { type: "item", item: itemOf(bytes) } });
const TASK: TaskInfo = {
  id: "x".repeat(128),
  command: "€",
  args: Array.from({ length: 1024 }, () => ""),
  cwd: "",
  state: "completed",
  agent: "y".repeat(128),
  token: 2 ** 50,
  leases: 2 ** 50,
  failures: 2 ** 50,
  maxAttempts: 2 ** 50,
  submittedAtMs: 0.5,
  finishedAtMs: 0.5,
  exitCode: -(2 ** 31),
  signal: "z".repeat(32),
  error: "€".repeat(1365),
  outputTail: "€".repeat(5461),
  durationMs: 0.5,
  finishedIndex: 2 ** 50,
};

describe("answers to a client", () => {
  it("that are large go in several frames, none larger than a client takes, in their order", () => {
    const replies = Array.from({ length: 12 }, (_, id) => got(id, 1024 * 1024));
    const frames = replyFrames(replies);
    for (const { length } of frames) assert.ok(length <= CLIENT_FRAME_LIMIT_BYTES, `${length} bytes`);
    const ids = frames.flatMap((frame) => (decode(frame) as Reply[]).map(({ id }) => id));
    assert.deepEqual(
      ids,
      replies.map(({ id }) => id),
    );
  });

  it("that are small share one frame", () => {
    assert.equal(replyFrames(Array.from({ length: 400 }, (_, id) => got(id, 10))).length, 1);
    assert.deepEqual(replyFrames([]), []);
  });

  it("take no more bytes than they are counted for", () => {
    const answers: readonly ClientResult[] = [
      { ok: true, value: { type: "item", item: null } },
      { ok: true, value: { type: "item", item: itemOf(0) } },
      { ok: true, value: { type: "items", items: [itemOf(300), itemOf(70_000)], more: true } },
      { ok: true, value: { type: "tasks", tasks: [TASK, TASK], more: true } },
      { ok: true, value: { type: "written", version: 2 ** 50 } },
      { ok: false, code: "sessionExpired", message: "€".repeat(1000) },
    ];
    for (const answer of answers) {
      const { length } = encodeAgentFrame([{ id: 2 ** 50, ...answer }]);
      assert.ok(length <= answerBytes(answer), `${JSON.stringify(answer).slice(0, 80)}: ${length}`);
    }
  });
});
