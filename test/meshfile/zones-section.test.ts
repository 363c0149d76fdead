import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Mesh } from "../../server/contract/mesh.ts";
import { parseFault } from "../../server/meshfile/fault-syntax/fault-line.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { topologyText } from "../../server/meshfile/topology-text.ts";
import { meshText } from "../../server/meshfile/write.ts";
import { withoutAgent } from "../../server/sim/shrink/smaller.ts";

const read = (text: string) => parseMesh(text, "x.mesh.yaml");

function mesh(text: string): Mesh {
  const { mesh: made, diagnostics } = read(text);
  assert.deepEqual(diagnostics, [], text);
  return made as Mesh;
}

const zonesIn = ({ agents }: Mesh): string => agents.map(({ id, zone }) => `${id}:${zone ?? "-"}`).join(" ");
/** The first thing that is wrong, and where. */
const wrong = (text: string): string => {
  const [first] = read(text).diagnostics;
  return first === undefined ? "" : `${first.line}:${first.column} ${first.code}: ${first.message}`;
};

const THREE = "zones: { eu: [a1, a4], us: [a2, a3], asia: [a5, a6] }\nagents: 6\n";

describe("zones of a mesh file", () => {
  it("say who is in each, or their names alone, over which the agents are dealt out", () => {
    assert.equal(zonesIn(mesh(THREE)), "a1:eu a2:us a3:us a4:eu a5:asia a6:asia");
    assert.equal(zonesIn(mesh("agents: 5\nzones: [eu, us]\n")), "a1:eu a2:eu a3:eu a4:us a5:us");
    assert.equal(zonesIn(mesh("agents: 2\n")), "a1:- a2:-");
  });

  it("are written so that they are read again", () => {
    for (const text of [THREE, "agents: [x, y]\nzones: [left, right]\ntopology: ring\n", "agents: 4\n"]) {
      const one = mesh(text);
      assert.deepEqual(mesh(`${meshText(one)}`), { ...one, name: one.name });
    }
  });

  it("spread the links of k-regular and of small-world, and of no other topology", () => {
    const links = (topology: string, zones: string) =>
      topologyText(mesh(`agents: 24\ntopology: ${topology}\n${zones}`));
    const text =
      "zones: { eu: [a1, a3, a5, a7, a9, a11, a13, a15, a17, a19, a21, a23], us: [a2, a4, a6, a8, a10, a12, a14, a16, a18, a20, a22, a24] }\n";
    assert.match(
      links("k-regular", text),
      /^k-regular of degree 4 \(at most \d hops\), zones eu \(12\), us \(12\): survives the loss of any$/,
    );
    assert.match(links("small-world", text), /: survives the loss of any$/);
    assert.match(links("ring", text), /, zones eu \(12\), us \(12\): falls apart without eu or us$/);
  });

  for (const [what, text, said] of [
    ["no mapping and no list", "agents: 2\nzones: eu\n", "2:8 wrongType: zones is a list of names"],
    ["a name twice", "agents: 3\nzones: [eu, us, eu]\n", '2:17 duplicateId: There is a zone "eu" already.'],
    ["more zones than agents", "agents: 1\nzones: [eu, us]\n", "2:8 outOfRange: 1 agents are in 1 to 1 zones, not 2."],
    ["a bad name", "agents: 2\nzones: { the west: [a1, a2] }\n", "2:10 badName: A zone's name has letters"],
    [
      "an agent that is not there",
      "agents: 2\nzones: { eu: [a1, a9], us: [a2] }\n",
      '2:19 unknownAgent: zones.eu: there is no agent "a9".',
    ],
    [
      "an agent in two zones",
      "agents: 2\nzones: { eu: [a1, a2], us: [a2] }\n",
      "2:29 duplicateId: a2 is in zone eu already, and cannot be in two.",
    ],
    [
      "an agent in none",
      "agents: 3\nzones: { eu: [a1], us: [a2] }\n",
      "2:8 noZone: a3 is in no zone: where there are zones, each agent is in one.",
    ],
    [
      "an empty zone",
      "agents: 1\nzones: { eu: [a1], us: [] }\n",
      "2:20 outOfRange: Zone us has no agent; take it out.",
    ],
    [
      "a zone that is none, in a fault",
      `${THREE}faults: [{ at: 1s, crash: "zone:mars" }]\n`,
      '3:27 unknownZone: crash: There is no zone "mars". The zones are eu, us, asia.',
    ],
    [
      "a zone in a fault, where there are none",
      'agents: 3\nfaults: [{ at: 1s, crash: "zone:eu" }]\n',
      '2:27 unknownZone: crash: There is no zone "eu": the mesh file says nothing of zones.',
    ],
    [
      "an agent and its zone on two sides",
      `${THREE}faults: [{ at: 1s, partition: [[a1], [zone:eu]] }]\n`,
      "3:39 sidesOverlap: a1 stands on two sides",
    ],
    [
      "all zones on one side",
      `${THREE}faults: [{ at: 1s, partition: [[zone:eu, zone:us, zone:asia]] }]\n`,
      "3:31 oneSide: A partition needs two sides",
    ],
  ] as const)
    it(`are refused with the place and what to do: ${what}`, () =>
      assert.ok(wrong(text).startsWith(said), `${wrong(text)}\nand not\n${said}`));

  it("are targets of faults wherever an agent is", () => {
    const told = mesh(
      `${THREE}topology: k-regular\nfaults:\n  - { at: 1s, crash: zone:eu, for: 1s }\n  - { at: 2s, partition: [[zone:eu], [zone:us, a5]] }\n  - { at: 3s, slow: { a: zone:eu, b: zone:us, delay: 40ms } }\n  - { at: 4s, preset: rollingRestart, whom: zone:asia }\n  - { at: 5s, message: { from: zone:us, drop: true, count: 1 } }\n`,
    );
    assert.equal(told.faults.length, 5);
    assert.deepEqual(mesh(meshText(told)).faults, told.faults);
    assert.deepEqual(parseFault("isolate: zone:eu").fault, { kind: "isolate", agent: "zone:eu" });
  });

  it("go with their last agent, and with them the faults that hit nobody else", () => {
    const told = mesh(`${THREE}faults:\n  - { at: 1s, crash: zone:eu }\n  - { at: 2s, partition: [[zone:eu, a2]] }\n`);
    const fewer = withoutAgent(told, "a1") as Mesh;
    assert.deepEqual(fewer.faults.map(({ fault }) => fault), told.faults.map(({ fault }) => fault)); // biome-ignore format: one rule
    const none = withoutAgent(fewer, "a4") as Mesh;
    assert.deepEqual(none.faults.map(({ fault }) => fault), [{ kind: "partition", sides: [["a2"]] }]); // biome-ignore format: one rule
    mesh(meshText(none));
  });
});
