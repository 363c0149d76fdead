// A coordinator that keeps dying: it is started again four times within three minutes, then a person is asked.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ensurePackage } from "../../.ci/package.mjs";
import { isAlive } from "../../.ci/processes.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { initFirstSwarm, leaderNow } from "./harness/swarm.ts";
import { until } from "./harness/waiting.ts";

const GIVEN_UP = /ended 5 times within 3 minutes and is not started again by itself/;
const FOUND_AGAIN = /Swarm first-swarm was found again/g;

describe("a coordinator that keeps dying", function () {
  this.timeout(120_000);
  let editor: Editor;

  beforeEach(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples" });
  });
  afterEach(async () => {
    await editor?.close();
  });

  const log = () => editor.outputChannel("Agent Mesh").text() ?? "";
  /** Kills it, once it runs, and waits until it is gone. */
  const killCoordinator = async (): Promise<void> => {
    const [pid] = await until(editor.page, "a coordinator", () => {
      const pids = editor.coordinatorPids();
      return pids.length > 0 && pids;
    });
    assert.ok(pid !== undefined);
    process.kill(pid, "SIGKILL");
    await until(editor.page, `process ${pid} to be gone`, () => !isAlive(pid));
  };

  it("is started again four times; at the fifth death an error offers Start Again, which finds the swarm again, and Show Log", async () => {
    await initFirstSwarm(editor);
    const agents = editor.agentPids().toSorted();
    for (let death = 1; death <= 4; death++) {
      await killCoordinator();
      // It runs and has taken the swarm over.
      const again = () => (log().match(FOUND_AGAIN) ?? []).length === death;
      await until(editor.page, `the swarm to be found again after death ${death}`, again, 20_000);
      assert.match(log(), new RegExp(`starting it again \\(${death} of 4 within 3 minutes\\)`));
    }
    await killCoordinator();
    const shown = await editor.notifications.waitFor(GIVEN_UP);
    assert.deepEqual(shown.buttons, ["Start Again", "Show Log"]);
    await editor.statusBar.item("Agent Mesh: coordinator down");
    assert.deepEqual(editor.coordinatorPids(), []);
    await editor.page.getByText("The coordinator is down, so nothing is known of any swarm.").waitFor();
    await editor.screenshot("coordinator-given-up");

    await editor.notifications.press(GIVEN_UP, "Start Again");
    await leaderNow(editor);
    assert.equal(editor.coordinatorPids().length, 1);
    assert.deepEqual(editor.agentPids().toSorted(), agents, "the agents went on");
    assert.equal((log().match(FOUND_AGAIN) ?? []).length, 5);
  });
});
