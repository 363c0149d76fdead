import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, it } from "mocha";
import { CompletionRequest, HoverRequest, ResponseError } from "vscode-languageserver/node";
import { CoordinatorError } from "../../../server/contract/coordinator.ts";
import type { SwarmView } from "../../../server/contract/swarm.ts";
import { eventually } from "../../live/waiting.ts";
import { Editor } from "../editor.ts";
import { Terminal } from "../terminal.ts";

describe("the language server", function () {
  this.timeout(40_000);
  let terminal: Terminal;
  let editors: Editor[];
  let editor: Editor;
  beforeEach(() => {
    terminal = new Terminal();
    editors = [];
    editor = open();
  });
  afterEach(() => {
    for (const one of editors) one.end();
    terminal.end();
  });

  function open(): Editor {
    const made = new Editor();
    editors.push(made);
    return made;
  }

  async function init(mesh: string): Promise<SwarmView> {
    const swarm = await editor.request("initSwarm", { file: terminal.mesh(mesh), operation: "init" });
    terminal.remember(swarm);
    return swarm;
  }

  it("tells what is wrong in a file as it is opened and changed, and nothing once it is closed", async () => {
    const { capabilities } = await editor.initialize([]);
    assert.ok(capabilities.hoverProvider && capabilities.completionProvider);
    const uri = pathToFileURL(join(terminal.folder, "x.mesh.yaml")).href;
    await editor.open(uri, "agents: 3\ntopologie: ring\n");
    const [found] = await editor.toldOf(uri, 1);
    assert.deepEqual(found?.range, { start: { line: 1, character: 0 }, end: { line: 1, character: 9 } });
    assert.deepEqual([found?.severity, found?.source, found?.code], [1, "agent-mesh", "unknownKey"]);
    await editor.change(uri, "agents: 3\ntopology: ring\n");
    assert.deepEqual(await editor.toldOf(uri, 2), []);
    await editor.change(uri, "agents: 3000\n");
    assert.equal((await editor.toldOf(uri, 3))[0]?.code, "outOfRange");
    await editor.change(uri, `agents: 3\n#${"x".repeat(600_000)}\n`);
    assert.equal((await editor.toldOf(uri, 4)).length, 1, "too large");
    await editor.close(uri);
    assert.deepEqual(await editor.toldOf(uri, 5), []);
  });

  it("offers keys and values, and explains a key", async () => {
    await editor.initialize([]);
    const uri = "untitled:Untitled-1";
    await editor.open(uri, "agents: 3\ntopology: \n");
    const textDocument = { uri };
    const values = await editor.connection.sendRequest(CompletionRequest.type, {
      textDocument,
      position: { line: 1, character: 10 },
    });
    assert.ok(Array.isArray(values) && values.some(({ label }) => label === "ring"));
    const keys = await editor.connection.sendRequest(CompletionRequest.type, {
      textDocument,
      position: { line: 2, character: 0 },
    });
    assert.ok(Array.isArray(keys) && keys.some(({ insertText }) => insertText === "consensus: "));
    const hover = await editor.connection.sendRequest(HoverRequest.type, {
      textDocument,
      position: { line: 0, character: 2 },
    });
    assert.match(JSON.stringify(hover), /\*\*agents\*\*/);
  });

  it("serves the coordinator's requests, and tells what is subscribed to", async () => {
    await editor.initialize([terminal.folder]);
    await editor.request("subscribe", { swarms: true, timeline: false, metrics: false });
    const { id: swarm, agents } = await init("agents: 3\n");
    assert.equal(agents.length, 3);
    await editor.heard("progress", ({ operation, stage }) => operation === "init" && stage === "Electing a leader");
    await editor.heard("swarmChanged", ({ id, phase }) => id === swarm && phase === "running");
    const { taskId } = await editor.request("submitTask", {
      swarm,
      task: { command: process.execPath, args: ["-e", "console.log('from a task')"] },
    });
    await editor.heard("taskOutput", ({ text }) => text === "from a task\n");
    await editor.heard("taskFinished", ({ task }) => task.id === taskId && task.state === "completed");
    const proposal = { id: "deploy", subject: "deploy 1.4", body: "{}" };
    assert.equal((await editor.request("propose", { swarm, proposal, wait: true })).state, "approved");
    await editor.heard(
      "proposalDecided",
      (told) => told.proposal.id === "deploy" && told.proposal.state === "approved",
    );
    await editor.heard("swarmChanged", ({ proposals = [] }) => proposals.some(({ state }) => state === "approved"));
    const { outcome } = await editor.request("certificate", { swarm, proposalId: "deploy" });
    assert.equal(outcome, "approved");
    const fault = await editor.request("injectFault", { swarm, fault: { kind: "isolate", agent: "a2" } });
    await editor.heard("swarmChanged", ({ faults }) => faults.some(({ id }) => id === fault.id));
    assert.deepEqual(await editor.request("healAll", { swarm }), { healed: [fault.id] });
    const { ended } = await editor.request("stopSwarm", { swarm, operation: "stop" });
    assert.equal(ended.length, 3);
    await editor.heard("swarmChanged", ({ phase }) => phase === "stopped");
    await terminal.assertNothingLeft();
  });

  it("answers what goes wrong with the contract's codes and a sentence", async () => {
    await editor.initialize([terminal.folder]);
    const swarm = "nobody";
    const cases: [Promise<unknown>, keyof typeof CoordinatorError, RegExp][] = [
      [editor.request("swarm", { swarm }), "unknownSwarm", /There is no swarm nobody/],
      [
        editor.request("initSwarm", { file: terminal.mesh("agents: 3\nfoo: 1\n"), operation: "i" }),
        "invalidMesh",
        /test\.mesh\.yaml:2:1: /,
      ],
      [editor.request("swarm", { swarm: 7 as unknown as string }), "refused", /swarm/],
      [
        editor.connection.sendRequest("agentMesh/initSwarm", {
          quick: { agents: "many" },
          folder: "/",
          operation: "i",
        }),
        "refused",
        /./,
      ],
    ];
    for (const [asked, reason, message] of cases) {
      const error = await asked.then(
        () => assert.fail(`refused: ${reason}`),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof ResponseError, String(error));
      assert.equal(error.code, CoordinatorError[reason], error.message);
      assert.match(error.message, message);
    }
    assert.deepEqual(terminal.files, []);
  });

  it("without trust starts, breaks and runs nothing, but checks and simulates; trust given later lifts it", async () => {
    const { swarm: foreign } = await terminal.up(terminal.mesh("agents: 1\ndetached: true\n", "other.mesh.yaml"));
    await editor.initialize([], false);
    const file = terminal.mesh("agents: 1\n");
    const refused = async (asked: Promise<unknown>): Promise<void> => {
      await assert.rejects(asked, (error: unknown) => {
        assert.ok(error instanceof ResponseError);
        assert.equal(error.code, CoordinatorError.untrusted);
        return true;
      });
    };
    await refused(editor.request("initSwarm", { file, operation: "i" }));
    await refused(editor.request("injectFault", { swarm: foreign.id, fault: { kind: "crash", agent: "a1" } }));
    await refused(editor.request("submitTask", { swarm: foreign.id, task: { command: "node" } }));
    await refused(
      editor.request("propose", { swarm: foreign.id, proposal: { subject: "deploy", body: "1" }, wait: false }),
    );
    assert.deepEqual(await editor.request("check", { file }), []);
    const summary = await editor.request("simulate", { file, seeds: { from: 1, to: 2 }, operation: "s" });
    assert.deepEqual([summary.seeds, summary.brokenCount], [2, 0]);
    assert.ok((summary.coverage.transitions["leader elected"] ?? 0) >= 2);
    await assert.rejects(
      editor.request("simulate", { file, seeds: { from: 2, to: 1 }, operation: "s" }),
      /seeds\.to must be a whole number from 2 to /,
    );
    await assert.rejects(
      editor.request("shrink", { file, seed: 1, operation: "k" }),
      /Seed 1 of .* breaks nothing, so there is nothing to shrink\./,
    );
    await editor.connection.sendNotification("agentMesh/trusted");
    const swarm = await editor.request("initSwarm", { file, operation: "i" });
    terminal.remember(swarm);
    assert.equal(swarm.phase, "running");
    await terminal.run("stop", "--swarm", foreign.id);
  });

  for (const [how, go] of [
    [
      "shutdown and exit",
      async (): Promise<void> => {
        await editor.shutdown();
        await terminal.assertNothingLeft();
        await editor.exit();
      },
    ],
    ["the death of its editor, which closes its pipes,", async (): Promise<void> => editor.hangUp()],
    ["SIGTERM", async (): Promise<void> => editor.kill("SIGTERM")],
  ] as const) {
    it(`at ${how} stops its swarms and ends, leaving nothing`, async () => {
      await editor.initialize([terminal.folder]);
      await editor.request("subscribe", { swarms: true, timeline: true, metrics: true });
      await init("agents: 3\n");
      assert.equal(terminal.agentsRunning.length, 3);
      await go();
      assert.equal(await editor.ended(), 0);
      await terminal.assertNothingLeft();
    });
  }

  it("that is told to exit without shutdown says so with exit code 1, and still leaves nothing", async () => {
    await editor.initialize([terminal.folder]);
    await init("agents: 1\n");
    await editor.exit();
    assert.equal(await editor.ended(), 1);
    await terminal.assertNothingLeft();
  });

  it("killed with SIGKILL, leaves agents that end after the grace period", async () => {
    await editor.initialize([terminal.folder]);
    await init("agents: 3\ngrace: 1s\n");
    editor.kill("SIGKILL");
    await editor.ended();
    assert.equal(terminal.agentsRunning.length, 3, "they go on at first");
    await terminal.allEnded();
    const next = open();
    await next.initialize([terminal.folder]);
    assert.deepEqual(await next.request("swarms", {}), []);
    await terminal.assertNothingLeft();
  });

  it("started again in time, finds the swarm of the one that was killed, with its faults, and says so", async () => {
    await editor.initialize([terminal.folder]);
    const swarm = await init("agents: 3\ngrace: 15s\n");
    await editor.request("injectFault", { swarm: swarm.id, fault: { kind: "isolate", agent: "a1" } });
    editor.kill("SIGKILL");
    await editor.ended();
    const next = open();
    await next.initialize([terminal.folder]);
    const [found] = await next.request("swarms", {});
    assert.deepEqual([found?.id, found?.faults.map(({ title }) => title)], [swarm.id, ["a1 isolated"]]);
    await next.heard("notice", ({ message }) => /was found again: .* 1 fault is active/.test(message));
    await next.request("healAll", { swarm: swarm.id });
    await eventually("all is well", async () => {
      const { health } = await next.request("swarm", { swarm: swarm.id });
      return health.level === "ok";
    });
    await next.shutdown();
    await terminal.assertNothingLeft();
  });

  it("comes up although one of its folders cannot be looked into, and says which", async () => {
    const bad = join(terminal.folder, "bad");
    mkdirSync(bad);
    writeFileSync(join(bad, ".agent-mesh"), "in the way");
    await editor.initialize([bad, terminal.folder]);
    const { message } = await editor.heard("notice", ({ level }) => level === "error");
    assert.ok(message.includes(bad), message);
    assert.deepEqual(await editor.request("swarms", {}), []);
  });
});
