import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { GossipConfig, GossipMessage } from "../../../server/core/gossip/types.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { ChangingCluster, type ChangingOptions } from "./changing-cluster.ts";

const SEEDS = 150;
const FOUNDERS = ["c", "a", "b"];
const NEWCOMERS = ["f", "d", "e"];
/** They stay, whatever happens. */
const STAYING = ["a", "b"];

/** One step of anything, drawn. */
function step(cluster: ChangingCluster, unwanted: Set<string>): void {
  const { random } = cluster;
  const ids = [...cluster.peers.keys()];
  const id = random.pick(ids);
  const draw = random.float();
  cluster.now += random.float() * 5;
  if (draw < 0.45) cluster.deliver(0.1, 0.1);
  else if (draw < 0.6) cluster.sync(id);
  else if (draw < 0.75) cluster.propose(id);
  else if (draw < 0.85) cluster.tick(id);
  else if (draw < 0.88) cluster.restart(id);
  else if (draw < 0.91) cluster.compact(id);
  else if (draw < 0.94) cluster.tell(id);
  else if (draw < 0.97) {
    const next = NEWCOMERS.find((one) => !cluster.peers.has(one));
    if (next !== undefined && random.chance(0.3)) cluster.join(next);
    else cluster.change(id, { add: random.pick(ids) });
  } else {
    const leaver = random.pick(ids.filter((one) => !STAYING.includes(one)));
    // Itself, or by mistake another one.
    if (cluster.change(random.chance(0.7) ? leaver : id, { remove: leaver })) unwanted.add(leaver);
  }
}

/** All arrives, once. */
function settle(cluster: ChangingCluster): void {
  for (let left = 10_000; left > 0; left--) {
    const writing = [...cluster.peers.values()].find(({ writes }) => writes.length > 0);
    if (cluster.network.length > 0) cluster.deliver(0, 0);
    else if (writing !== undefined) cluster.sync(writing.id);
    else return;
  }
  throw new Error("messages go on for ever");
}

/** Whoever has left, and may go, goes; and those who are left come to the same. @returns what is wrong then */
function wrongAtEnd(cluster: ChangingCluster): string | undefined {
  for (const id of cluster.peers.keys()) cluster.tell(id);
  for (let round = 0; round < 120; round++) {
    cluster.now += 40;
    for (const id of [...cluster.peers.keys()]) {
      cluster.tick(id);
      settle(cluster);
      const { counted, unshared, members } = cluster.peer(id).gossip.status().gossip;
      if (!counted && unshared === 0 && members > 1 && round > 20) cluster.peers.delete(id);
    }
    if (disagreement(cluster) === undefined) return cluster.problems[0];
  }
  return cluster.problems[0] ?? disagreement(cluster);
}

function disagreement({ peers, acknowledged }: ChangingCluster): string | undefined {
  const all = [...peers.values()];
  const [first] = all;
  if (first === undefined) return "nobody is left";
  const voters = first.gossip.status().configuration.voters.join();
  const held = [...first.held].toSorted().join();
  for (const { id, gossip, held: its } of all) {
    const { configuration, gossip: spread } = gossip.status();
    if (configuration.voters.join() !== voters) return `${id} counts ${configuration.voters}, another ${voters}`;
    if (!configuration.voters.includes(id)) return `${id} is there, and does not count`;
    if ([...its].toSorted().join() !== held) return `${id} holds something else than ${first.id}`;
    if (spread.agreement !== 1 || spread.behind + spread.unshared + spread.waiting > 0)
      return `${id} does not know that all have all: ${JSON.stringify(spread)}`;
  }
  for (const command of acknowledged) if (!first.held.has(command)) return `${command} is lost`;
  return undefined;
}

function tried(
  seed: number,
  more: Pick<ChangingOptions, "tampers"> = {},
): { wrong: string | undefined; seen: Set<string> } {
  const config: Partial<GossipConfig> = {
    // Mostly vectors, or checksums; much or little is kept.
    listedMembers: seed % 2 === 0 ? 16 : 0,
    retainBytes: seed % 3 === 0 ? 400 : 1_000_000,
    broadcasts: false,
  };
  const cluster = new ChangingCluster(FOUNDERS, { seed: `members ${seed}`, config, ...more });
  const seen = new Set<string>();
  try {
    const unwanted = new Set<string>();
    for (let at = 0; at < 400; at++) step(cluster, unwanted);
    for (const id of unwanted) seen.add(`left ${id}`);
    const wrong = wrongAtEnd(cluster);
    for (const id of cluster.peers.keys()) seen.add(`stayed ${id}`);
    return { wrong, seen };
  } catch (error) {
    if (error instanceof InvariantViolation) return { wrong: error.message, seen };
    throw error;
  }
}

describe("members that come and go by gossip", function () {
  this.timeout(60_000);

  it(`come to the same whatever is lost, doubled, late or forgotten, and whoever knows of whom: ${SEEDS} runs`, () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { wrong, seen: here } = tried(seed);
      assert.equal(wrong, undefined, `seed ${seed}: ${wrong}`);
      for (const one of here) seen.add(one);
    }
    for (const id of NEWCOMERS) assert.ok(seen.has(`left ${id}`) && seen.has(`stayed ${id}`), [...seen].join(", "));
  });

  for (const [what, tampers] of [
    [
      "who takes what is said of all for so, whatever its sender knows of who there is",
      (message: GossipMessage): GossipMessage => {
        if (!("view" in message)) return message;
        const { view: _, ...rest } = message;
        return rest;
      },
    ],
    [
      "who says nothing of what it lacks",
      (message: GossipMessage): GossipMessage =>
        message.type === "delta" ? { ...message, operations: message.operations.slice(0, 0) } : message,
    ],
  ] as const)
    it(`do not, and that is found, where there is one ${what}`, () => {
      const found = Array.from({ length: SEEDS }, (_, at) => tried(at + 1, { tampers }).wrong);
      assert.ok(found.some((wrong) => wrong !== undefined));
    });
});
