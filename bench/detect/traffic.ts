import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { againstPeer, alone, type Figure } from "../report.ts";
import type { Counted } from "./counters.ts";
import type { PartOptions } from "./detect.ts";
import type { Subject } from "./own-network.ts";

const AGENTS = 12;
/** News of the start has been told by then. */
const SETTLE_S = 30;
/** Twice what serf has between two comparisons of all that an agent knows, six times what we have. */
const MEASURE_S = 60;
/** `unshare` makes a network of the process's own: nobody else's packets are in its counters. */
const OWN_NETWORK = ["--map-root-user", "--net"];

/**
 * What an idle agent puts on the wire. Each swarm runs in a network namespace of its own, and what is counted is what its loopback interface counts: every packet
 * once, with its IP and its UDP or TCP header, acknowledgements of TCP included. The same for both.
 */
export async function traffic({ say, quick, serf, look }: PartOptions): Promise<readonly Figure[]> {
  if (spawnSync("unshare", [...OWN_NETWORK, "ip", "link", "set", "lo", "up"]).status !== 0) {
    say("no network namespace can be made here (it takes Linux, ip, and a user who may): bytes are not counted");
    return [];
  }
  const [settleS, measureS] = quick ? [10, 10] : [SETTLE_S, MEASURE_S];
  const rate = async (subject: Subject): Promise<number> => {
    const { bytes, packets } = await inOwnNetwork(subject, settleS, measureS);
    const perAgent = bytes / measureS / AGENTS;
    say(`${subject}: ${perAgent.toFixed(0)} bytes, ${(packets / measureS / AGENTS).toFixed(2)} packets a second`);
    return perAgent;
  };
  // At the same time, so that both meet the same machine.
  const [lan, theirs] = await Promise.all([rate("detector lan"), serf === undefined ? undefined : rate("serf lan")]);
  look();
  const [local, whole] = await Promise.all([rate("detector local"), rate("raft lan")]);
  return [
    againstPeer(
      `bytes an idle agent of ${AGENTS} sends, detector alone, timing lan`,
      lan,
      "B/s",
      theirs === undefined ? undefined : { name: `serf ${serf} lan`, value: theirs },
      "atMost",
    ),
    alone("the same, timing local", "B/s", local),
    alone("the same, timing lan, with the heartbeats of Raft", "B/s", whole),
  ];
}

async function inOwnNetwork(subject: Subject, settleS: number, measureS: number): Promise<Counted> {
  const script = join(import.meta.dirname, "own-network.ts");
  const args = [process.execPath, script, subject, AGENTS, settleS, measureS].map(String);
  const child: ChildProcess = spawn("unshare", [...OWN_NETWORK, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${subject} in a network of its own ended with ${code}`);
  return JSON.parse(said) as Counted;
}
