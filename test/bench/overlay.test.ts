import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { broadcastingAgents } from "../../bench/broadcasting-agents.ts";
import { clustering, components, distances, inDegrees, oneSided, type Views } from "../../bench/overlay-graph.ts";
import { OverlayNetwork } from "../../bench/overlay-network.ts";

/** Everyone with the next and the one before. */
function ring(size: number): number[][] {
  return Array.from({ length: size }, (_, at) => [(at + 1) % size, (at + size - 1) % size]);
}

describe("the figures of an overlay's graph", () => {
  const square: Views = ring(4);

  it("are those of a ring, a triangle, and everyone with everyone", () => {
    deepEqual(
      [components(square), clustering(square), distances(square, 100)],
      [[4], 0, { meanHops: 4 / 3, farthestHops: 2 }],
    );
    deepEqual([clustering(ring(3)), distances(ring(3), 100).farthestHops], [1, 1]);
    // Of a's neighbours b, c and d one pair of three is linked.
    equal(clustering([[1, 2, 3], [0, 2], [0, 1], [0]]), (1 / 3 + 1 + 1 + 0) / 4);
  });

  it("do not count who does not run, nor the edges to it", () => {
    const views: Views = [[1, 3], [0, 2], undefined, [0, 2]];
    deepEqual(components(views), [3]);
    deepEqual(components([[1], [0, 2], undefined, [2]]), [2, 1]);
    deepEqual(
      [...inDegrees(views)],
      [
        [1, 2 / 3],
        [2, 1 / 3],
      ],
    );
  });

  it("tell of edges that only one end knows", () => {
    deepEqual(oneSided([[1], [], [1]]), [
      [0, 1],
      [2, 1],
    ]);
    deepEqual(oneSided(square), []);
  });
});

describe("a broadcast's figures", () => {
  it("by flooding are what arithmetic says: everybody passes it on to all neighbours but the one that it came by", () => {
    const network = new OverlayNetwork({ size: 30, seed: "1" });
    network.joinAll();
    network.run(5000);
    const links = network.active().reduce((sum, view) => sum + (view?.length ?? 0), 0);
    const { reached, running, payloads } = network.flood(0, 1000);
    deepEqual([reached, running, payloads], [30, 30, links - 29]);
  });

  it("of whole agents' writes are one payload for each other agent, where rumours cross links several times as often", () => {
    const figures = broadcastingAgents(12, "k-regular", 3);
    const [payloads, , , , took] = figures;
    ok(payloads !== undefined && took !== undefined);
    ok(payloads.name.endsWith("payloads of a write") && payloads.value >= 11 && payloads.value < 14);
    ok((payloads.peerValue ?? 0) > 30, `${payloads.peerValue}`);
    ok(took.value < (took.peerValue ?? 0), "and all have it sooner");
  });

  it("by Plumtree come to one payload each", () => {
    const network = new OverlayNetwork({ size: 40, seed: "1" });
    network.joinAll();
    network.run(5000);
    ok(network.broadcast(0, 3000).payloads > 60);
    const { reached, payloads } = network.broadcast(0, 3000);
    deepEqual([reached, payloads], [40, 39]);
  });
});
