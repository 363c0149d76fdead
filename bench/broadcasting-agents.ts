import { decodeMessage } from "../server/agent/consensus/messages.ts";
import { decodeFrame } from "../server/agent/frame.ts";
import { GossipState } from "../server/core/gossip/state.ts";
import { buildLinks } from "../server/core/overlay/topology.ts";
import type { Witness } from "../server/sim/witness.ts";
import { alone, type Figure } from "./report.ts";
import { mean } from "./statistics.ts";
import { NOBODY } from "./unwatched.ts";
import { hasKey, putKey, wholeAgents } from "./whole-agents.ts";

const SETTLE_MS = 2000;
/** Longer than what is announced, and then pruned or asked for, takes. */
const AFTER_MS = 500;
const PATIENCE_MS = 60_000;
/** Until the tree has formed. */
const FORMING = 10;

interface Cost {
  /** Messages with the write in them, each link that one crosses counted. */
  readonly payloads: number;
  /** Those that only tell of it or keep the tree. */
  readonly others: number;
  readonly bytes: number;
  /** Until all have applied it, virtual ms. */
  readonly tookMs: number;
  /** Of those with the write, the share by anti-entropy: who got it so was missed. */
  readonly missed: number;
}

/** What a write costs whole agents that decide by gossip, over drawn topologies of degree 4, each write at another one: along the tree, and as rumours to three others, which are passed on to where they are for. */
export function broadcastingAgents(size: number, topology: "k-regular" | "small-world", writes: number): Figure[] {
  const [tree, rumours] = [measure(size, topology, writes), asRumours(() => measure(size, topology, writes))];
  const beside = (name: string, unit: string, of: keyof Cost): Figure => ({
    ...alone(`${size} agents, ${topology}: ${name}`, unit, tree[of]),
    peer: "rumours",
    peerValue: rumours[of],
    ratio: tree[of] / rumours[of],
  });
  return [
    beside("payloads of a write", "messages", "payloads"),
    beside("of these by anti-entropy", "messages", "missed"),
    alone(`${size} agents, ${topology}: other messages of it`, "messages", tree.others),
    beside("bytes of all these", "bytes", "bytes"),
    beside("until all have it", "ms", "tookMs"),
  ];
}

/** What is given to everybody goes to `fanout` others drawn at random, who pass it on so, as where all are linked with all. */
function asRumours<Result>(run: () => Result): Result {
  const { broadcast } = GossipState.prototype;
  GossipState.prototype.broadcast = function (message) {
    const peers = Array.from({ length: this.others }, (_, at) => this.peerAt(at));
    for (const peer of this.random.shuffled(peers).slice(0, this.config.fanout)) this.send(peer, message);
  };
  try {
    return run();
  } finally {
    GossipState.prototype.broadcast = broadcast;
  }
}

function measure(size: number, topology: "k-regular" | "small-world", writes: number): Cost {
  const ids = Array.from({ length: size }, (_, at) => `a${at + 1}`);
  const links = buildLinks(topology, ids, { degree: 4 });
  const lacking = new Set<number>();
  const counted = { payloads: 0, others: 0, bytes: 0, missed: 0 };
  let writing = "";
  const witness: Witness = {
    ...NOBODY,
    delivered: (_from, _to, frame) => {
      for (const packet of decodeFrame(frame).packets) {
        if (packet.kind !== "direct" && packet.kind !== "relayed") continue;
        const { type } = decodeMessage(packet.payload);
        if (type === "digest") continue;
        counted.bytes += packet.payload.length;
        counted[type === "rumour" || type === "broadcast" || type === "delta" ? "payloads" : "others"]++;
        if (type === "delta") counted.missed++;
      }
    },
    turned: (agent) => {
      if (lacking.has(agent) && hasKey(worlds[agent], writing)) lacking.delete(agent);
    },
  };
  const { worlds, schedule, start } = wholeAgents({
    consensus: "gossip",
    ids,
    links,
    seed: `broadcast/${topology}/${size}`,
    witness,
  });
  const run = (forMs: number, stop: () => boolean = () => false): void =>
    schedule.runUntil(schedule.nowUs + forMs * 1000, stop);
  const costs: Cost[] = [];
  start();
  run(SETTLE_MS);
  for (let write = 0; write < FORMING + writes; write++) {
    for (const { index } of worlds) lacking.add(index);
    writing = `w${write}.`;
    Object.assign(counted, { payloads: 0, others: 0, bytes: 0, missed: 0 });
    const startedMs = schedule.nowMs;
    const world = worlds[(write * 7) % size];
    if (world !== undefined) putKey(world, writing);
    run(PATIENCE_MS, () => lacking.size === 0);
    if (lacking.size > 0) throw new Error(`${lacking.size} of ${size} did not hear of a write in ${PATIENCE_MS} ms`);
    const tookMs = schedule.nowMs - startedMs;
    run(AFTER_MS);
    if (write >= FORMING) costs.push({ ...counted, tookMs });
  }
  const over = (of: keyof Cost): number => mean(costs.map((cost) => cost[of]));
  return {
    payloads: over("payloads"),
    others: over("others"),
    bytes: over("bytes"),
    tookMs: over("tookMs"),
    missed: over("missed"),
  };
}
