import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { overlayProblem } from "../../server/agent/overlay-problem.ts";
import type { Mesh } from "../../server/contract/mesh.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { SimNetwork } from "../../server/sim/network.ts";
import { type SimulateOptions, simulate } from "../../server/sim/simulate.ts";

/** What an agent at a moment has for neighbours, by its events. */
class Watched {
  readonly events: TimelineEvent[] = [];
  readonly views = new Map<string, Set<string>>();
  /** The most neighbours that an agent ever had. */
  most = 0;

  readonly onEvent = (event: TimelineEvent): void => {
    const { agent, kind, fields } = event;
    if (kind === "started") this.views.set(agent, new Set());
    if (kind !== "neighbourUp" && kind !== "neighbourDown") return;
    this.events.push(event);
    const view = this.views.get(agent) as Set<string>;
    if (kind === "neighbourUp") view.add(String(fields.peer));
    else view.delete(String(fields.peer));
    this.most = Math.max(this.most, view.size);
  };
}

function meshOf(text: string): Mesh {
  const { mesh, diagnostics } = parseMesh(`topology: hyparview\n${text}`, "overlay.mesh.yaml");
  deepEqual(diagnostics, []);
  return mesh as Mesh;
}

function runs(mesh: Mesh, seeds: number, options: SimulateOptions = {}): void {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation, operations } = simulate(mesh, seed, { durationMs: 4000, ...options });
    deepEqual({ seed, violation }, { seed, violation: null });
    ok(operations > 0);
  }
}

type Open = SimNetwork["open"];

/** Another way to look for connections, while `run` runs. */
function opening<Result>(make: (open: Open) => Open, run: () => Result): Result {
  const { open } = SimNetwork.prototype;
  SimNetwork.prototype.open = make(open);
  try {
    return run();
  } finally {
    SimNetwork.prototype.open = open;
  }
}

const HALVES =
  "agents: 16\nfaults:\n  - { at: 200ms, partition: [[a1, a2, a3, a4, a5, a6, a7, a8], [a9, a10, a11, a12, a13, a14, a15, a16]], for: 8s }\n";

describe("a simulated mesh whose agents look for their links themselves", function () {
  this.timeout(180_000);

  it("keeps all promises under chaos, with an overlay that is whole at the end: raft, 12 agents, members that come and go", () =>
    runs(meshOf("agents: 12\n"), 6));

  it("the same by pbft", () => runs(meshOf("agents: 7\nconsensus: pbft\n"), 1));

  it("the same by gossip, with three links at most", () => {
    const watched = new Watched();
    const mesh = meshOf("agents: 12\nconsensus: gossip\n");
    runs({ ...mesh, topology: { ...mesh.topology, degree: 3 } }, 2, { onEvent: watched.onEvent });
    equal(watched.most, 3);
  });

  it("the same with a detector that listens to neighbours, who come and go", () =>
    runs(meshOf("agents: 12\ndetector: heartbeat\n"), 3));

  it("also where they are few: 1, 2, 3 and 5", () => {
    for (const agents of [1, 2, 3, 5]) runs(meshOf(`agents: ${agents}\n`), 1);
  });

  it("is the same run for the same seed", () => {
    const mesh = meshOf("agents: 6\n");
    const hash = (seed: number): string => simulate(mesh, seed, { durationMs: 1000 }).traceHash;
    equal(hash(3), hash(3));
    ok(hash(3) !== hash(4));
  });

  it("puts another neighbour in the place of one that crashed, and the timeline tells", () => {
    const mesh = meshOf("agents: 10\nfaults:\n  - { at: 1s, crash: a3, for: 30s }\n");
    const watched = new Watched();
    let [crashed, back] = [0, 0];
    const { violation } = simulate(mesh, 2, {
      durationMs: 4000,
      onFault: () => {
        crashed = watched.events.length;
      },
      onEvent: (event) => {
        if (event.kind === "started" && event.agent === "a3") back = watched.events.length;
        watched.onEvent(event);
      },
    });
    equal(violation, null);
    const meanwhile = watched.events.slice(crashed, back);
    const isLoss = ({ kind, fields }: TimelineEvent) => kind === "neighbourDown" && fields.peer === "a3";
    const lost = meanwhile.filter(isLoss);
    ok(lost.length >= 2 && lost.every(({ fields }) => fields.reason === "failed"), JSON.stringify(lost));
    const bereft = lost.map(({ agent }) => agent);
    const found = meanwhile.filter(({ kind, agent }) => kind === "neighbourUp" && bereft.includes(agent));
    ok(found.length > 0, "another took its place");
  });

  it("does not exhaust itself while it is cut off: whom it cannot reach it tries less and less often", () => {
    const counts = new Array<number>(12).fill(0);
    const counting = (open: Open): Open =>
      function (this: SimNetwork, by, peer) {
        counts[by] = (counts[by] as number) + 1;
        open.call(this, by, peer);
      };
    const mesh = meshOf("agents: 12\nfaults:\n  - { at: 200ms, isolate: a1, for: 20s }\n");
    equal(
      opening(counting, () => simulate(mesh, 1, { durationMs: 21_000 }).violation),
      null,
    );
    // Once in 400 ms would be 50; a restless one tries thousands of times.
    ok((counts[0] as number) < 150, `a1 tried ${counts[0]} times`);
    const others = counts.slice(1);
    ok(Math.max(...others) < 100, `the others tried ${others.join(", ")} times`);
  });

  it("is one overlay again after halves were apart for long, of which each had become whole", () => {
    for (let seed = 1; seed <= 3; seed++) equal(simulate(meshOf(HALVES), seed).violation, null, `seed ${seed}`);
  });

  it("is found not to be where halves that were apart look for each other no more", () => {
    let split = false;
    const keepApart = (open: Open): Open =>
      function (this: SimNetwork, by, peer) {
        if (!split || by < 8 === peer < 8) open.call(this, by, peer);
      };
    const onFault = (): void => {
      split = true;
    };
    const mesh = meshOf(HALVES);
    // Else it is noticed earlier: a majority of both halves is to elect a leader.
    const alone = { ...mesh, expect: { ...mesh.expect, recovery: null } };
    const violation = opening(keepApart, () => simulate(alone, 1, { onFault }).violation);
    match(violation?.detail ?? "", /the overlay is whole \(the agents fall apart\): not within/);
  });
});

describe("what an overlay lacks", () => {
  const links = (text: string) =>
    text.split("; ").map((line) => {
      const [agent = "", peers = ""] = line.split(":");
      return { agent, peers: peers.split(" ").filter((peer) => peer !== "") };
    });

  for (const [what, overlay, problem] of [
    ["nothing", "a: b c; b: a c; c: a b", undefined],
    ["nothing, where there is nobody else", "a:", undefined],
    ["nothing, of two", "a: b; b: a", undefined],
    ["a side of a link", "a: b c; b: a c; c: a", "b has a link with c, which has none with it"],
    ["a link", "a: b c; b: a; c: a", "b has links with a alone"],
    ["all links", "a:; b: c; c: b", "a has links with nobody alone"],
    ["what holds it together", "a: b c; b: a c; c: a b; d: e f; e: d f; f: d e", "the agents fall apart"],
    ["an agent that is said to be there", "a: b x; b: a c; c: b a", "a has a link with x, which has none with it"],
    ["a bound", "a: b c d e; b: a c; c: a b; d: a e; e: a d", "a has 4 links, more than 3"],
  ] as const)
    it(`is ${what}`, () => equal(overlayProblem(links(overlay), 3), problem));
});
