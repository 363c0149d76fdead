import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { RosterKeeper, RosterRefused } from "../../../server/live/agent/roster-keeper.ts";
import { makeKeys } from "../../../server/live/identity.ts";

const entry = (id: string, port: number) => ({ id, port, publicKey: makeKeys().publicKey });
const [a1, a2, a3] = [entry("a1", 4001), entry("a2", 4002), entry("a3", 4003)];
const LINK = { a: "a1", b: "a2" };

describe("the roster of a running agent", () => {
  const keeper = (): RosterKeeper => new RosterKeeper({ agents: [a1, a2], links: [LINK] });

  it("grows behind what is known, and takes other links", () => {
    const roster = keeper();
    assert.ok(roster.take([a1, a2, a3], [LINK, { a: "a1", b: "a3" }]));
    assert.deepEqual(roster.ids, ["a1", "a2", "a3"]);
    assert.ok(roster.take([a1, a2, a3], [{ a: "a1", b: "a3" }]));
    assert.deepEqual(roster.links, [{ a: "a1", b: "a3" }]);
  });

  it("is told nothing new by what it has", () => {
    const roster = keeper();
    assert.ok(!roster.take([{ ...a1 }, { ...a2 }], [{ ...LINK }]));
  });

  const other = { ...a1, publicKey: makeKeys().publicKey };
  const wrong: readonly [string, readonly (typeof a1)[], readonly { readonly a: string; readonly b: string }[]][] = [
    ["one that is shorter", [a1], []],
    ["another order", [a2, a1], []],
    ["another key for a known agent", [other, a2, a3], []],
    ["another port for a known agent", [a1, { ...a2, port: 9 }], []],
    ["the same id twice", [a1, a2, { ...a3, id: "a1" }], []],
    ["an id that names no folder", [a1, a2, { ...a3, id: "../x" }], []],
    ["a key that is none", [a1, a2, { ...a3, publicKey: "no key" }], []],
    ["a link to a stranger", [a1, a2], [{ a: "a1", b: "a9" }]],
    ["a link to itself", [a1, a2], [{ a: "a1", b: "a1" }]],
  ];
  for (const [what, agents, links] of wrong) {
    it(`refuses ${what}, and stays as it is`, () => {
      const roster = keeper();
      assert.throws(() => roster.take(agents, links), RosterRefused);
      assert.deepEqual([roster.agents, roster.links], [[a1, a2], [LINK]]);
    });
  }
});
