import { Agent } from "../server/agent/agent.ts";
import { SNAPSHOT_CHUNK_BYTES, SNAPSHOT_EVERY_BYTES, SNAPSHOT_EVERY_ENTRIES } from "../server/agent/settings.ts";
import type { ConsensusKind } from "../server/contract/consensus.ts";
import type { Link } from "../server/core/overlay/types.ts";
import { seededRandom } from "../server/core/random.ts";
import { quickMesh } from "../server/meshfile/mesh-file.ts";
import { SimKeys } from "../server/sim/crypto.ts";
import { SimNetwork } from "../server/sim/network.ts";
import { configOf, surroundings } from "../server/sim/profiles.ts";
import { Schedule } from "../server/sim/schedule.ts";
import type { Witness } from "../server/sim/witness.ts";
import { SimWorld } from "../server/sim/world.ts";

const NAMESPACE = "bench";

export interface WholeAgents {
  readonly worlds: readonly SimWorld[];
  readonly network: SimNetwork;
  readonly schedule: Schedule;
  readonly start: () => void;
}

/** Agents in the simulated world, not started yet: as a swarm has them that is asked for in few words, timing `local`; without faults. */
export function wholeAgents(of: {
  readonly consensus: ConsensusKind;
  readonly ids: readonly string[];
  readonly links: readonly Link[];
  readonly seed: string;
  readonly witness: Witness;
  /** Absent: one of its own. */
  readonly schedule?: Schedule;
}): WholeAgents {
  const { consensus, ids, links, seed, witness, schedule = new Schedule() } = of;
  const mesh = quickMesh({ name: "bench", agents: 1, topology: "mesh", consensus });
  const { timing } = mesh;
  const random = seededRandom(seed);
  const { latency, disk } = surroundings(timing);
  const keys = new SimKeys(ids, random.fork("keys"));
  const worlds = ids.map(
    (id, index) =>
      new SimWorld({
        index,
        config: {
          ...configOf(mesh),
          id,
          roster: ids,
          voters: ids,
          links,
          snapshotEveryEntries: SNAPSHOT_EVERY_ENTRIES,
          snapshotEveryBytes: SNAPSHOT_EVERY_BYTES,
          snapshotChunkBytes: SNAPSHOT_CHUNK_BYTES,
          seed: `${seed}/${id}`,
        },
        everybody: ids,
        crypto: keys.of(id),
        createAgent: (...made) => new Agent(...made),
        schedule,
        random: random.fork(id),
        disk,
        maxSkewMs: 0,
        taskFailEvery: 10,
        witness,
        watched: false,
        onReplies: () => {},
        onCrash: () => {},
      }),
  );
  const places = new Map(ids.map((id, place) => [id, place]));
  const ways = links.map(({ a, b }) => [places.get(a) as number, places.get(b) as number] as const);
  const network = new SimNetwork(schedule, random.fork("network"), worlds, ways, latency);
  for (const world of worlds) world.attach(network);
  const start = (): void => {
    for (const world of worlds) world.start();
  };
  return { worlds, network, schedule, start };
}

/** A client has one of them write 32 bytes. */
export function putKey(world: SimWorld, key: string): void {
  const put = { op: "put", id: 1, namespace: NAMESPACE, key, value: new Uint8Array(32) } as const;
  world.clientRequests(world.openConnection(), [put]);
}

export function hasKey(world: SimWorld | undefined, key: string): boolean {
  return world?.agent?.machine.memory.list(NAMESPACE, key, 1).some((one) => one.key === key) === true;
}
