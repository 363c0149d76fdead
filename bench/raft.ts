import { rmSync } from "node:fs";
import { connect } from "../server/client/client.ts";
import { startBareSwarm } from "./bare-swarm.ts";
import { benchFolder } from "./folder.ts";
import { EtcdCluster, etcdVersion } from "./peers/etcd.ts";
import { load, type Sample } from "./put-load.ts";
import { recordedFigure } from "./raft-recorded.ts";
import { againstPeer, type BenchOptions, type BenchReport, type Figure, machine, percentile } from "./report.ts";

const CLIENTS = [1, 16, 64, 256];
/** Before each load: for what the one before has left to the disk and to collections of garbage. */
const SETTLE_MS = 1000;

/**
 * Durable puts through three members: ours and etcd's turn by turn, the same closed-loop load, each through one connection of this process. Who is first changes from round
 * to round, so that one client alone comes as often after one's own heaviest load as after the other's. The first round is told apart: it is while our agents' code
 * is still being compiled, as it is for some fifteen seconds in each life of a process.
 */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const { say, quick } = options;
  const etcd = etcdVersion();
  if (etcd === undefined) say("etcd is not on the PATH: not compared");
  const seconds = quick ? 1 : 4;
  const rounds = quick ? 1 : 5;
  const folder = benchFolder();
  const figures: Figure[] = [];
  const ours = new Map<number, Sample[]>(CLIENTS.map((clients) => [clients, []]));
  const theirs = new Map<number, Sample[]>(CLIENTS.map((clients) => [clients, []]));
  const swarm = await startBareSwarm(folder, 3);
  const peer = etcd === undefined ? undefined : await EtcdCluster.start(folder);
  const mesh = connect({ agents: swarm.agents, token: swarm.token, maxInFlight: 1024 });
  const etcdClient = peer?.client();
  try {
    await load((key, value) => mesh.put("bench", key, value), 64, 1);
    if (etcdClient) await load((key, value) => etcdClient.put(Buffer.from(key), Buffer.from(value)), 64, 1);
    const subjects = [
      {
        name: "ours",
        samples: ours,
        put: (key: string, value: Uint8Array): Promise<unknown> => mesh.put("bench", key, value),
      },
      ...(etcdClient === undefined
        ? []
        : [
            {
              name: "etcd",
              samples: theirs,
              put: (key: string, value: Uint8Array) => etcdClient.put(Buffer.from(key), Buffer.from(value)),
            },
          ]),
    ];
    for (let round = 0; round <= rounds; round++) {
      for (const clients of CLIENTS) {
        for (const { name, samples, put } of round % 2 === 1 ? subjects : subjects.toReversed()) {
          await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
          const sample = await load(put, clients, seconds);
          samples.get(clients)?.push(sample);
          say(
            `round ${round}, ${clients} clients: ${name} ${Math.round(sample.perSecond)}/s, p99 ${sample.p99Ms.toFixed(2)} ms`,
          );
        }
      }
    }
  } finally {
    mesh.close();
    etcdClient?.close();
    await peer?.stop();
    await swarm.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  for (const clients of CLIENTS) {
    const median = (samples: readonly Sample[], of: (sample: Sample) => number): number =>
      percentile(samples.map(of), 0.5);
    const [firstOurs, ...mine] = ours.get(clients) as [Sample, ...Sample[]];
    const [firstTheirs, ...other] = theirs.get(clients) as [Sample?, ...Sample[]];
    const against = (of: (sample: Sample) => number): { name: string; value: number } | undefined =>
      other.length === 0 ? undefined : { name: `etcd ${etcd}`, value: median(other, of) };
    figures.push(
      againstPeer(
        `puts, ${clients} clients`,
        median(mine, (s) => s.perSecond),
        "/s",
        against((s) => s.perSecond),
        "atLeast",
      ),
      againstPeer(
        `p99, ${clients} clients`,
        median(mine, (s) => s.p99Ms),
        "ms",
        against((s) => s.p99Ms),
        "atMost",
      ),
      {
        name: `p50, ${clients} clients`,
        value: median(mine, (s) => s.p50Ms),
        unit: "ms",
        ...(other.length === 0 ? {} : { peer: `etcd ${etcd}`, peerValue: median(other, (s) => s.p50Ms) }),
        goal: "",
        met: true,
      },
      {
        name: `p99, ${clients} clients, the first seconds after the start`,
        value: firstOurs.p99Ms,
        unit: "ms",
        ...(firstTheirs === undefined ? {} : { peer: `etcd ${etcd}`, peerValue: firstTheirs.p99Ms }),
        goal: "",
        met: true,
      },
    );
  }
  figures.push(await recordedFigure(options));
  return { bench: "raft", machine: machine(), figures };
}
