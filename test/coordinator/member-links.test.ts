import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { linksWith, linksWithout } from "../../server/coordinator/member-links.ts";
import { buildLinks, connected } from "../../server/core/overlay/topology.ts";
import { type Link, TOPOLOGY_KINDS } from "../../server/core/overlay/types.ts";

const IDS = ["a1", "a2", "a3", "a4", "a5"];
const names = (links: readonly Link[]): string[] => links.map(({ a, b }) => `${a}-${b}`);

describe("the links of agents that come and go", () => {
  it("of a full mesh join the newcomer with all", () => {
    const links = linksWith("mesh", ["a1", "a2"], buildLinks("mesh", ["a1", "a2"]), "a3");
    assert.deepEqual(names(links), ["a1-a2", "a1-a3", "a2-a3"]);
  });

  it("of a ring put the newcomer between the last and the first, and leave what runs as it is", () => {
    const ring = buildLinks("ring", IDS);
    const links = linksWith("ring", IDS, ring, "a6");
    assert.deepEqual(names(links), [...names(ring), "a1-a6", "a5-a6"]);
  });

  it("of a ring are closed again when one goes", () => {
    const rest = IDS.filter((id) => id !== "a3");
    const links = linksWithout("ring", rest, buildLinks("ring", IDS), "a3");
    assert.deepEqual(names(links).toSorted(), ["a1-a2", "a1-a5", "a2-a4", "a4-a5"]);
  });

  it("of a star find another hub when the hub goes, and only then", () => {
    const star = buildLinks("star", IDS);
    assert.deepEqual(names(linksWithout("star", ["a1", "a2", "a3", "a4"], star, "a5")), ["a1-a2", "a1-a3", "a1-a4"]);
    assert.deepEqual(names(linksWithout("star", ["a2", "a3", "a4", "a5"], star, "a1")), ["a2-a3", "a2-a4", "a2-a5"]);
  });

  it("that a mesh file lists join the newcomer with the two that have the fewest, and the neighbours of one that goes", () => {
    const listed = buildLinks("links", IDS, [
      ["a1", "a2"],
      ["a1", "a3"],
      ["a1", "a4"],
      ["a4", "a5"],
    ]);
    assert.deepEqual(names(linksWith("links", IDS, listed, "a6")).slice(4), ["a2-a6", "a3-a6"]);
    const rest = IDS.filter((id) => id !== "a1");
    assert.deepEqual(names(linksWithout("links", rest, listed, "a1")), ["a4-a5", "a2-a3", "a3-a4"]);
  });

  it("keep everybody connected whoever comes and goes, without one twice or to one that is gone", () => {
    const step = fc.oneof(fc.constant("come" as const), fc.nat(20));
    fc.assert(
      fc.property(fc.constantFrom(...TOPOLOGY_KINDS), fc.array(step, { maxLength: 30 }), (kind, steps) => {
        let present = [...IDS];
        let links = buildLinks(kind === "links" ? "hierarchical" : kind, present);
        let last = IDS.length;
        for (const one of steps) {
          if (one === "come") {
            const newcomer = `a${++last}`;
            links = linksWith(kind, present, links, newcomer);
            present = [...present, newcomer];
          } else if (present.length > 1) {
            const gone = present[one % present.length] as string;
            present = present.filter((id) => id !== gone);
            links = linksWithout(kind, present, links, gone);
          }
          assert.ok(connected(present, links), `${kind}: ${names(links).join(" ")}`);
          const keys = links.map(({ a, b }) => [a, b].sort().join());
          assert.equal(new Set(keys).size, keys.length, `${kind}: ${names(links).join(" ")}`);
          for (const { a, b } of links) assert.ok(present.includes(a) && present.includes(b) && a !== b);
        }
      }),
      { numRuns: 300 },
    );
  });
});
