import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../server/client/client.ts";
import { startBareSwarm } from "./bare-swarm.ts";
import { EtcdCluster, etcdVersion } from "./peers/etcd.ts";
import { againstPeer, type BenchOptions, type BenchReport, type Figure, machine, percentile } from "./report.ts";

const VALUE_BYTES = 256;
const CLIENTS = [1, 16, 64, 256];
const KEYS = 10_000;

type Put = (key: string, value: Uint8Array) => Promise<unknown>;

interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Durable puts through three members: ours and etcd's turn by turn, the same closed-loop load, each through one connection of this process. */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const etcd = etcdVersion();
  if (etcd === undefined) say("etcd is not on the PATH: not compared");
  const seconds = quick ? 1 : 4;
  const rounds = quick ? 1 : 3;
  const folder = mkdtempSync(join(process.cwd(), ".cache", "bench-"));
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
    for (let round = 0; round < rounds; round++) {
      for (const clients of CLIENTS) {
        const mine = await load((key, value) => mesh.put("bench", key, value), clients, seconds);
        ours.get(clients)?.push(mine);
        say(
          `round ${round + 1}, ${clients} clients: ours ${Math.round(mine.perSecond)}/s, p99 ${mine.p99Ms.toFixed(1)} ms`,
        );
        if (!etcdClient) continue;
        const other = await load(
          (key, value) => etcdClient.put(Buffer.from(key), Buffer.from(value)),
          clients,
          seconds,
        );
        theirs.get(clients)?.push(other);
        say(
          `round ${round + 1}, ${clients} clients: etcd ${Math.round(other.perSecond)}/s, p99 ${other.p99Ms.toFixed(1)} ms`,
        );
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
    const mine = ours.get(clients) as Sample[];
    const other = theirs.get(clients) as Sample[];
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
    );
  }
  return { bench: "raft", machine: machine(), figures };
}

/** `clients` closed loops, each putting the next value when the last one was acknowledged. */
async function load(put: Put, clients: number, seconds: number): Promise<Sample> {
  const value = new Uint8Array(VALUE_BYTES).fill(120);
  const latencies: number[] = [];
  const began = performance.now();
  const until = began + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let turn = 0; performance.now() < until; turn++) {
        const sent = performance.now();
        await put(`key-${(client * 7919 + turn) % KEYS}`, value);
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const elapsed = (performance.now() - began) / 1000;
  return {
    perSecond: latencies.length / elapsed,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  };
}
