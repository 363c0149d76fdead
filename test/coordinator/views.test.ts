import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { MemberStateName } from "../../server/contract/swarm.ts";
import { AgentWatch } from "../../server/coordinator/agent-watch.ts";
import { swarmView } from "../../server/coordinator/views.ts";
import { reportOf } from "../client/fake-agent.ts";

const IDS = ["a1", "a2", "a3", "a4", "a5"];

/** A swarm of five of which everyone hears those on its own side only. */
function seen(...sides: readonly (readonly string[])[]): ReturnType<typeof swarmView> {
  const agents = IDS.map((id) => {
    const watch = new AgentWatch(id, 4000);
    watch.process = "running";
    watch.connected = true;
    const side = sides.find((ids) => ids.includes(id)) ?? [];
    const stateOf = (other: string): MemberStateName => (side.includes(other) ? "alive" : "failed");
    const members = IDS.map((other) => ({ id: other, state: stateOf(other), sinceMs: 0 }));
    watch.heard(reportOf(id, { members }));
    return watch;
  });
  return swarmView({
    id: "s",
    name: "s",
    file: "",
    folder: "/",
    phase: "running",
    problem: "",
    topology: "mesh",
    consensus: "raft",
    detached: false,
    startedAtMs: 0,
    revision: 1,
    tasks: [],
    agents,
    linkEnds: [],
    active: [],
    slots: 1,
  });
}

describe("what most others hold of an agent", () => {
  const healths = (...sides: readonly (readonly string[])[]) => seen(...sides).agents.map(({ health }) => health);

  it("is that it is alive where all hear it", () => {
    assert.deepEqual(healths(IDS), ["alive", "alive", "alive", "alive", "alive"]);
  });

  it("is that the minority of a partition failed, and that the majority lives, though half the others do not hear it", () => {
    assert.deepEqual(healths(["a1", "a2"], ["a3", "a4", "a5"]), ["failed", "failed", "alive", "alive", "alive"]);
    assert.deepEqual(seen(["a1", "a2"], ["a3", "a4", "a5"]).agents[2]?.suspectedBy, ["a1", "a2"]);
  });
});
