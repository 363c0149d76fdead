// A coordinator that died in the middle of a change of members: whatever it left, the next one goes on with it.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { SwarmView } from "../../server/contract/swarm.ts";
import { readLife, rewriteSwarm } from "../../server/live/layout.ts";
import { isRunning } from "../../server/live/process.ts";
import { until } from "./ground.ts";
import { HalfChanged } from "./half-changed.ts";

describe("a change of members whose coordinator died", function () {
  this.timeout(60_000);
  let half: HalfChanged;

  beforeEach(async () => {
    half = new HalfChanged();
    await half.start((first) => half.ground.quick(first, 3));
  });
  afterEach(() => half.end());

  const leader = (): Promise<string> =>
    until("a leader", async () => {
      const answer = await half.ask("a1", { op: "report" });
      return answer.type === "report" && answer.report.leader !== "" ? answer.report.leader : undefined;
    });
  const votes = (view: SwarmView): boolean =>
    view.agents.length === 4 && view.agents.every(({ member }) => member === "voter") && view.health.level === "ok";
  const gone = (view: SwarmView): boolean =>
    view.agents.length === 2 && view.agents.every(({ member }) => member === "voter") && view.health.level === "ok";

  describe("that added an agent", () => {
    it("before anybody was told of it", async () => {
      await half.layOut("voter");
      await half.becomes("a4 votes", votes);
    });

    it("before its process was started", async () => {
      await half.layOut("voter");
      await half.tellAll();
      await half.becomes("a4 votes", votes);
    });

    it("before it was a member", async () => {
      await half.layOut("voter");
      await half.tellAll();
      await half.spawnIt();
      await half.becomes("a4 votes", votes);
    });

    it("before it had a vote", async () => {
      await half.layOut("voter");
      await half.tellAll();
      await half.spawnIt();
      await half.ask(await leader(), { op: "changeMembers", change: { add: "a4" } });
      await half.becomes("a4 votes", votes);
    });

    it("as a learner, which it stays", async () => {
      await half.layOut("learner");
      const view = await half.becomes("a4 learns", ({ agents }) => agents.some(({ member }) => member === "learner"));
      assert.deepEqual(view.members?.voters, ["a1", "a2", "a3"]);
      assert.equal(half.file.agents[3]?.joining, undefined);
    });
  });

  describe("that removed an agent", () => {
    const removed = async (): Promise<void> => {
      const life = readLife(half.ground.folder, half.swarm, "a3");
      assert.ok(life !== null && isRunning(life));
      await half.becomes("a3 is gone", gone);
      await until("its process has ended", () => !isRunning(life));
      assert.deepEqual(
        half.file.agents.map(({ id, left }) => [id, left === true]),
        [
          ["a1", false],
          ["a2", false],
          ["a3", true],
        ],
      );
      assert.deepEqual(half.file.links, [{ a: "a1", b: "a2" }]);
      assert.deepEqual(
        half.ground.all("notice").filter(({ level }) => level !== "info"),
        [],
      );
    };

    it("before the leader had heard of it", async () => {
      half.mark("a3", { leaving: true });
      await removed();
    });

    it("before that was written down", async () => {
      half.mark("a3", { leaving: true });
      await half.ask(await leader(), { op: "changeMembers", change: { remove: "a3" } });
      await removed();
    });

    it("before its process had ended, and before the others were told", async () => {
      half.mark("a3", { leaving: true });
      await half.ask(await leader(), { op: "changeMembers", change: { remove: "a3" } });
      half.mark("a3", { leaving: false, left: true });
      rewriteSwarm({ ...half.file, links: [{ a: "a1", b: "a2" }] });
      await removed();
    });
  });
});
