import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { FaultSpec } from "../../server/contract/faults.ts";
import type { MemberStateName } from "../../server/contract/swarm.ts";
import { AgentWatch } from "../../server/coordinator/agent-watch.ts";
import type { JournaledFault } from "../../server/coordinator/fault-journal.ts";
import { swarmView } from "../../server/coordinator/views.ts";
import { seededRandom } from "../../server/core/random.ts";
import type { RosterAgent } from "../../server/live/swarm-file.ts";
import { resolveFault } from "../../server/meshfile/faults/resolve.ts";
import { reportOf } from "../client/fake-agent.ts";

const IDS = ["a1", "a2", "a3", "a4", "a5"];
const ROSTER: readonly RosterAgent[] = IDS.map((id) => ({ id, port: 4000, publicKey: "" }));

/** A swarm of five of which everyone hears those on its own side only. */
function seen(...sides: readonly (readonly string[])[]): ReturnType<typeof swarmView> {
  return shown(watched(sides));
}

function watched(
  sides: readonly (readonly string[])[],
  of: (id: string) => Parameters<typeof reportOf>[1] = () => ({}),
): AgentWatch[] {
  return IDS.map((id) => {
    const watch = new AgentWatch({ id, port: 4000 });
    watch.process = "running";
    watch.connected = true;
    const side = sides.find((ids) => ids.includes(id)) ?? [];
    const stateOf = (other: string): MemberStateName => (side.includes(other) ? "alive" : "failed");
    const members = IDS.map((other) => ({ id: other, state: stateOf(other), sinceMs: 0 }));
    watch.heard(reportOf(id, { members, ...of(id) }));
    return watch;
  });
}

function shown(
  agents: readonly AgentWatch[],
  roster: readonly RosterAgent[] = ROSTER,
  linkEnds: Parameters<typeof swarmView>[0]["linkEnds"] = [],
  active: Parameters<typeof swarmView>[0]["active"] = [],
): ReturnType<typeof swarmView> {
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
    linkEnds,
    active,
    presets: [],
    proposals: [],
    slots: 1,
    evidence: { liars: new Map(), statementsOf: () => [] },
    roster,
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

describe("what faults do to a link", () => {
  it("is told as shares of the frames that both ends sent over the last second", () => {
    const ends = ["a1", "a2"].map((id) => {
      const watch = new AgentWatch({ id, port: 4000 });
      watch.process = "running";
      watch.connected = true;
      const peer = id === "a1" ? "a2" : "a1";
      const counts = { framesIn: 0, bytesOut: 0, bytesIn: 0, latencyP50Ms: null, latencyP99Ms: null, up: true, peer };
      const none = { ...counts, framesOut: 100, dropped: 5, delayed: 0, corrupted: 0 };
      watch.heard(reportOf(id, { atMs: 1_000, links: [none] }));
      const a1 = id === "a1" ? { dropped: 15, delayed: 40, corrupted: 2 } : {};
      watch.heard(reportOf(id, { atMs: 2_000, links: [{ ...none, framesOut: 200, ...a1 }] }));
      return watch;
    });
    const [link] = shown(ends, ROSTER, [{ a: "a1", b: "a2" }]).links;
    assert.deepEqual([link?.framesPerSecond, link?.loss, link?.delayed, link?.corrupted], [200, 0.05, 0.2, 0.01]);
  });
});

describe("a link over which agents broadcast", () => {
  it("is of the tree where one end pushes over it, and says nothing where neither end does, or it is down", () => {
    const view = (a1: boolean | undefined, a2: boolean | undefined, up = true): boolean | undefined => {
      const says = [a1, a2];
      const ends = ["a1", "a2"].map((id, at) => {
        const watch = new AgentWatch({ id, port: 4000 });
        watch.process = "running";
        watch.connected = true;
        const counts = { framesOut: 0, framesIn: 0, bytesOut: 0, bytesIn: 0, dropped: 0, delayed: 0, corrupted: 0 };
        const link = { ...counts, latencyP50Ms: null, latencyP99Ms: null, up, peer: id === "a1" ? "a2" : "a1" };
        watch.heard(reportOf(id, { links: [says[at] === undefined ? link : { ...link, tree: says[at] }] }));
        return watch;
      });
      return shown(ends, ROSTER, [{ a: "a1", b: "a2" }]).links[0]?.tree;
    };
    assert.deepEqual([view(true, true), view(true, false), view(false, false)], [true, true, false]);
    assert.deepEqual(
      [view(undefined, undefined), view(undefined, true), view(true, true, false)],
      [undefined, true, undefined],
    );
  });
});

describe("the faults of a link", () => {
  it("are told way by way, message rules among them, each in the order they came in", () => {
    const fault = (id: string, spec: FaultSpec): JournaledFault => {
      const ground = { agents: IDS, links: [{ a: "a1", b: "a2" }], leader: "a1", alive: IDS };
      return { id, sinceMs: 0, untilMs: null, source: "person", ...resolveFault(spec, ground, seededRandom(1)) };
    };
    const active = [
      fault("f1", { kind: "message", match: { from: "leader", to: "a2" }, action: { action: "drop" } }),
      fault("f2", { kind: "slow", a: "a1", b: "a2", delayMs: 10 }),
      fault("f3", { kind: "link", a: "a1", direction: "in", toxics: [{ toxic: "corrupt", share: 0.1 }] }),
      fault("f4", { kind: "cpu", agent: "a1", slowdown: 2 }),
    ];
    const [link] = shown(watched([IDS]), ROSTER, [{ a: "a1", b: "a2" }], active).links;
    assert.deepEqual(
      [link?.faults, link?.faultsOut, link?.faultsIn],
      [
        ["f1", "f2", "f3"],
        ["f1", "f2"],
        ["f2", "f3"],
      ],
    );
  });
});

describe("who the members are", () => {
  /** a1 leads term 3, as these members have it; what is not named follows it. */
  const led = (
    members: { voters: readonly string[]; outgoing?: readonly string[]; learners?: readonly string[] },
    down: readonly string[] = [],
  ): AgentWatch[] => {
    const { voters, outgoing = [], learners = [] } = members;
    const agents = watched([IDS], (id) => ({
      role: id === "a1" ? "leader" : "follower",
      term: 3,
      leader: "a1",
      voters,
      outgoing,
      learners,
    }));
    for (const agent of agents) if (down.includes(agent.id)) agent.process = "crashed";
    return agents;
  };

  it("is told agent by agent, as the leader has it, and the quorum is that of the voters", () => {
    const view = shown(led({ voters: ["a1", "a2", "a3"], learners: ["a4"] }));
    assert.deepEqual(
      view.agents.map(({ member }) => member),
      ["voter", "voter", "voter", "learner", "none"],
    );
    assert.deepEqual(view.members, { voters: ["a1", "a2", "a3"], outgoing: [], learners: ["a4"] });
    assert.deepEqual([view.health.quorum, view.health.leader], [2, "a1"]);
  });

  it("is joining or leaving while a change is under way", () => {
    const roster = ROSTER.map((entry): RosterAgent => {
      if (entry.id === "a5") return { ...entry, joined: true, joining: "voter" };
      return entry.id === "a2" ? { ...entry, leaving: true } : entry;
    });
    const view = shown(led({ voters: ["a1", "a2", "a3"], learners: ["a5"] }), roster);
    assert.deepEqual(
      view.agents.map(({ member }) => member),
      ["voter", "leaving", "voter", "none", "joining"],
    );
  });

  it("takes a leader that learners alone follow for none", () => {
    const members = { voters: ["a1", "a2", "a3"], learners: ["a4", "a5"] };
    assert.equal(shown(led(members, ["a2"])).health.leader, "a1");
    const cut = shown(led(members, ["a2", "a3"])).health;
    assert.deepEqual([cut.leader, cut.level], [null, "noQuorum"]);
  });

  it("is told to be changing during a joint phase, which takes a majority of both", () => {
    const members = { voters: ["a1", "a4", "a5"], outgoing: ["a1", "a2", "a3"] };
    const view = shown(led(members));
    assert.match(view.health.summary, /members are changing/);
    assert.deepEqual(
      view.agents.map(({ member }) => member),
      ["voter", "leaving", "leaving", "voter", "voter"],
    );
    assert.equal(shown(led(members, ["a2", "a3"])).health.leader, null);
    assert.equal(shown(led(members, ["a2", "a4"])).health.leader, "a1");
  });
});
