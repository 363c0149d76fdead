import { seededRandom } from "../../server/core/random.ts";
import { type Port, SimNetwork } from "../../server/sim/network.ts";
import { Schedule } from "../../server/sim/schedule.ts";

const never = () => false;

/** Notes what reaches it. */
export class FakePort implements Port {
  exists = true;
  running = true;
  readonly frames: number[] = [];
  readonly arrivals: number[] = [];
  readonly links: string[] = [];
  damaged = 0;
  readonly #schedule: Schedule;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  receive(_from: number, frame: Uint8Array, damaged: boolean): void {
    if (damaged) this.damaged++;
    this.frames.push((frame[0] as number) * 256 + (frame[1] as number));
    this.arrivals.push(this.#schedule.nowMs);
  }

  linkUp(peer: number): void {
    this.links.push(`up ${peer}`);
  }

  linkDown(peer: number): void {
    this.links.push(`down ${peer}`);
  }
}

/** So many agents that do nothing, all linked, 100 ms after their start. */
export const setUp = (agents = 2, latency = { minMs: 1, maxMs: 2, tailMs: 10 }) => {
  const schedule = new Schedule();
  const ports = Array.from({ length: agents }, () => new FakePort(schedule));
  const links: [number, number][] = [];
  for (let a = 0; a < agents; a++) for (let b = a + 1; b < agents; b++) links.push([a, b]);
  const network = new SimNetwork(schedule, seededRandom("network"), ports, links, latency);
  for (const index of ports.keys()) network.processStarted(index);
  const wait = (ms: number) => schedule.runUntil(schedule.nowUs + ms * 1000, never);
  wait(100);
  const send = (count: number, from = 0, to = 1) => {
    for (let at = 0; at < count; at++) network.send(from, to, Uint8Array.of(at >> 8, at & 255));
  };
  return { schedule, ports, network, wait, send, a: ports[0] as FakePort, b: ports[1] as FakePort };
};
