import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { linksWith, linksWithout, newcomersZone } from "../../server/coordinator/member-links.ts";
import { biconnected } from "../../server/core/overlay/graph.ts";
import { planTopology } from "../../server/core/overlay/optimise.ts";
import { buildLinks, connected } from "../../server/core/overlay/topology.ts";
import { type Link, TOPOLOGY_KINDS } from "../../server/core/overlay/types.ts";
import { zoneFigures } from "../../server/core/overlay/zones.ts";

const IDS = ["a1", "a2", "a3", "a4", "a5"];
const DRAWN = ["k-regular", "small-world"] as const;
const degreeOf = (links: readonly Link[], id: string): number =>
  links.filter(({ a, b }) => a === id || b === id).length;
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
    const pairs = [["a1", "a2"], ["a1", "a3"], ["a1", "a4"], ["a4", "a5"]] as const; // biome-ignore format: a pair a link
    const listed = buildLinks("links", IDS, { links: pairs });
    assert.deepEqual(names(linksWith("links", IDS, listed, "a6")).slice(4), ["a2-a6", "a3-a6"]);
    const rest = IDS.filter((id) => id !== "a1");
    assert.deepEqual(names(linksWithout("links", rest, listed, "a1")), ["a4-a5", "a2-a3", "a3-a4"]);
  });

  it("that a plan made join the newcomer with as many as its least, and are mended behind one that goes", () => {
    const ids = Array.from({ length: 9 }, (_, at) => `a${at + 1}`);
    const { links } = planTopology({ agents: ids, links: buildLinks("star", ids) });
    const grown = linksWith("links", ids, links, "a10", 3);
    assert.equal(degreeOf(grown, "a10"), 3);
    const rest = [...ids, "a10"].filter((id) => id !== "a1");
    const mended = linksWithout("links", rest, grown, "a1", 3);
    assert.ok(biconnected(rest, mended));
    for (const id of rest) assert.ok(degreeOf(mended, id) >= 3, id);
  });

  it("of a topology with a degree join the newcomer with so many that have the fewest", () => {
    const links = buildLinks("k-regular", IDS, { degree: 3 });
    const odd = IDS.find((id) => degreeOf(links, id) === 4) as string;
    const fewest = IDS.filter((id) => id !== odd).slice(0, 3);
    assert.deepEqual(names(linksWith("k-regular", IDS, links, "a6", 3)), [
      ...names(links),
      ...fewest.map((id) => `${id}-a6`),
    ]);
    assert.deepEqual(names(linksWith("small-world", ["a1"], [], "a2", 3)), ["a1-a2"]);
  });

  it("of a topology with a degree and zones lie in the newcomer's zone but for one, and in the zone with the fewest it is", () => {
    const ids = Array.from({ length: 11 }, (_, at) => `a${at + 1}`);
    const zones = new Map(ids.map((id, at) => [id, at < 4 ? "eu" : at < 7 ? "us" : "asia"]));
    assert.equal(newcomersZone(zones), "us");
    assert.equal(newcomersZone(new Map()), undefined);
    const links = buildLinks("k-regular", ids, { degree: 4, zones });
    const zonesOfPeers = (zone: string): string[] =>
      linksWith("k-regular", ids, links, "b", 4, new Map([...zones, ["b", zone]]))
        .flatMap(({ a, b }) => (b === "b" ? [zones.get(a) as string] : []))
        .toSorted();
    assert.deepEqual(zonesOfPeers("us").filter((zone) => zone === "us").length, 3);
    assert.equal(zonesOfPeers("us").length, 4);
    assert.equal(zonesOfPeers("mars").length, 4, "alone in its zone it has as many, all outside");
  });

  it("of a topology with a degree give the neighbours of one that goes other links for theirs, one another where they can", () => {
    const ids = Array.from({ length: 12 }, (_, at) => `a${at + 1}`);
    const links = buildLinks("k-regular", ids, { degree: 4 });
    const added = ids.map((gone) => {
      const rest = ids.filter((id) => id !== gone);
      const mended = linksWithout("k-regular", rest, links, gone, 4);
      for (const id of rest) assert.ok([4, 5].includes(degreeOf(mended, id)), `${id} without ${gone}`);
      return mended.length - (links.length - 4);
    });
    assert.ok(
      added.every((count) => count === 2 || count === 3),
      added.join(" "),
    );
    assert.ok(added.filter((count) => count === 2).length >= 6, added.join(" "));
  });

  for (const kind of DRAWN)
    it(`of a ${kind} keep everybody's degree, and two ways to everyone, whoever comes and goes; what runs is not linked anew`, () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 14 }),
          fc.integer({ min: 2, max: 5 }),
          fc.array(fc.oneof(fc.constant("come" as const), fc.nat(20)), { maxLength: 30 }),
          (size, degree, steps) => {
            let present = Array.from({ length: size }, (_, at) => `a${at + 1}`);
            let links = buildLinks(kind, present, { degree });
            let last = size;
            for (const one of steps) {
              const before = links;
              if (one === "come") {
                const newcomer = `a${++last}`;
                links = linksWith(kind, present, links, newcomer, degree);
                present = [...present, newcomer];
              } else if (present.length > 1) {
                const gone = present[one % present.length] as string;
                present = present.filter((id) => id !== gone);
                links = linksWithout(kind, present, links, gone, degree);
              }
              const told = `${present.join(" ")}: ${names(links).join(" ")}`;
              const stays = before.filter(({ a, b }) => present.includes(a) && present.includes(b));
              assert.deepEqual(links.slice(0, stays.length), stays);
              assert.ok(biconnected(present, links), told);
              for (const id of present)
                assert.ok(degreeOf(links, id) >= Math.min(degree, present.length - 1), `${id} of ${told}`);
            }
          },
        ),
        { numRuns: 300 },
      );
    });

  /** Twelve agents in three zones, of which agents go and to which agents come. @returns after how many steps the loss of some zone would part the others */
  const stepsWithBadZones = (steps: readonly ("come" | number)[], planned: boolean): number => {
    const zones = new Map(
      Array.from({ length: 12 }, (_, at) => [`a${at + 1}`, ["eu", "us", "asia"][at % 3] as string]),
    );
    let links = buildLinks("k-regular", [...zones.keys()], { degree: 3, zones });
    let bad = 0;
    for (const [at, one] of steps.entries()) {
      const present = [...zones.keys()];
      if (one === "come") {
        const newcomer = `b${at}`;
        zones.set(newcomer, newcomersZone(zones) as string);
        links = linksWith("k-regular", present, links, newcomer, 3, planned ? zones : undefined);
      } else if (present.length > 1) {
        const gone = present[one % present.length] as string;
        zones.delete(gone);
        links = linksWithout("k-regular", [...zones.keys()], links, gone, 3, planned ? zones : undefined);
      }
      if (zoneFigures([...zones.keys()], links, zones).some(({ survived }) => !survived)) bad++;
    }
    return bad;
  };
  const comingAndGoing = fc.array(fc.oneof(fc.constant("come" as const), fc.nat(20)), { maxLength: 20 });

  it("of a topology with zones survive the loss of any, whoever comes and goes", () => {
    fc.assert(
      fc.property(comingAndGoing, (steps) => {
        assert.equal(stepsWithBadZones(steps, true), 0);
      }),
      { numRuns: 200 },
    );
  });

  it("would not if nobody looked at zones (so that the check above can fail)", () => {
    const failing = fc.check(
      fc.property(comingAndGoing, (steps) => stepsWithBadZones(steps, false) === 0),
      { numRuns: 200 },
    );
    assert.ok(failing.failed);
  });

  it("of a ring with one that goes, left as they are, would hang on single agents (so that the check above can fail)", () => {
    const rest = IDS.filter((id) => id !== "a3");
    assert.ok(!biconnected(rest, buildLinks("ring", IDS)));
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
