import { Agent } from "../server/agent/agent.ts";
import { SNAPSHOT_EVERY_BYTES, SNAPSHOT_EVERY_ENTRIES } from "../server/agent/settings.ts";
import type { AgentConfig } from "../server/agent/types.ts";
import type { ClientReply, LogBatch, World } from "../server/agent/world.ts";
import type { ClientRequest } from "../server/contract/client.ts";
import type { Crypto } from "../server/core/crypto.ts";
import { buildLinks } from "../server/core/overlay/topology.ts";
import { seededRandom } from "../server/core/random.ts";
import { TIMING } from "../server/meshfile/timing.ts";
import { SimKeys } from "../server/sim/crypto.ts";
import { type BenchOptions, type BenchReport, type Figure, machine } from "./report.ts";

const IDS = ["a1", "a2", "a3"];
const VALUE_BYTES = 256;
/** Keys written to: as many as to make the memory's map a real one. */
const KEYS = 10_000;
/** A log is never compacted yet: a trio is replaced before it fills the memory. */
const PUTS_A_TRIO = 200_000;

const CASES = [
  { batch: 64, at: "leader", watched: false },
  { batch: 64, at: "leader", watched: true },
  { batch: 64, at: "follower", watched: false },
  { batch: 1, at: "leader", watched: false },
  { batch: 1, at: "leader", watched: true },
] as const;
const GOAL_MICROS = 15;

/**
 * What an agent's own work costs: three agents in one thread over a world that does nothing but hand frames over and call everything durable at
 * once. No sockets, no disk, no client protocol.
 */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const seconds = quick ? 0.3 : 2;
  const figures: Figure[] = [];
  measure(64, "leader", true, seconds / 2); // warms the compiler up
  for (const { batch, at, watched } of CASES) {
    const name = `batches of ${batch} at the ${at}${watched ? ", observed" : ""}`;
    say(`agent-core: ${name}`);
    const cost = measure(batch, at, watched, seconds);
    const met = batch !== 64 || cost.leaderMicros <= GOAL_MICROS;
    const goal = batch === 64 ? `at most ${GOAL_MICROS}` : "";
    figures.push(
      { name: `${name}: puts`, value: cost.putsPerSecond, unit: "/s", goal: "", met: true },
      { name: `${name}: leader's work`, value: cost.leaderMicros, unit: "µs/put", goal, met },
      { name: `${name}: all three`, value: cost.allMicros, unit: "µs/put", goal: "", met: true },
    );
  }
  return { bench: "agent-core", machine: machine(), figures };
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

class Place implements World {
  readonly id: string;
  readonly agent: Agent;
  readonly #trio: Trio;
  readonly #watched: boolean;
  readonly frames: { readonly from: string; readonly frame: Uint8Array }[] = [];
  readonly #durable: (() => void)[] = [];
  readonly crypto: Crypto;
  readonly judge = { consider(): void {}, dismiss(): void {} };
  turnAsked = false;
  alarmMs = Number.POSITIVE_INFINITY;
  answered = 0;
  failed = 0;
  events = 0;
  /** CPU time spent in the agent, ms: others may be using the machine. */
  spentMs = 0;

  constructor(id: string, trio: Trio, watched: boolean) {
    this.id = id;
    this.#trio = trio;
    this.#watched = watched;
    this.crypto = new SimKeys([id], seededRandom("bench")).of(id);
    const config: AgentConfig = {
      swarm: "bench",
      id,
      incarnation: 1,
      roster: IDS,
      voters: IDS,
      links: buildLinks("mesh", IDS),
      timing: TIMING.local,
      slots: 1,
      taskLeaseMs: 5000,
      snapshotEveryEntries: SNAPSHOT_EVERY_ENTRIES,
      snapshotEveryBytes: SNAPSHOT_EVERY_BYTES,
      seed: id,
    };
    const recovered = { hardState: { term: 0, votedFor: "", commit: 0 }, entries: [] };
    this.agent = new Agent(config, this, recovered, trio.now);
    this.agent.start(trio.now);
  }

  /** Everything that has come in, then the turn. */
  step(requests: readonly ClientRequest[]): boolean {
    const frames = this.frames.splice(0);
    const durable = this.#durable.splice(0);
    if (!this.turnAsked && frames.length + durable.length + requests.length === 0) return false;
    const begin = cpuMs();
    for (const done of durable) done();
    for (const { from, frame } of frames) this.agent.receive(from, frame, this.#trio.now);
    if (requests.length > 0) this.agent.clientRequests(1, requests, this.#trio.now);
    this.turnAsked = false;
    this.agent.turn(this.#trio.now);
    this.spentMs += cpuMs() - begin;
    return true;
  }

  readonly network = {
    send: (to: string, frame: Uint8Array): void => void this.#trio.place(to).frames.push({ from: this.id, frame }),
  };
  readonly log = { append: (_: LogBatch, durable: () => void): void => void this.#durable.push(durable) };
  readonly executor = { start: (): void => {}, extend: (): void => {}, stop: (): void => {} };

  measure(): void {}

  requestTurn(): void {
    this.turnAsked = true;
  }

  setAlarm(atMs: number): void {
    this.alarmMs = atMs;
  }

  observing(): boolean {
    return this.#watched;
  }

  observe(): void {
    this.events++;
  }

  taskOutput(): void {}

  reply(replies: readonly ClientReply[]): void {
    this.answered += replies.length;
    for (const { result } of replies) if (!result.ok) this.failed++;
  }
}

class Trio {
  now = 1_800_000_000_000;
  readonly places: readonly Place[];

  constructor(watched: boolean) {
    this.places = IDS.map((id) => new Place(id, this, watched));
    for (const place of this.places) for (const peer of IDS) if (peer !== place.id) place.agent.linkUp(peer, this.now);
    this.settle();
    while (this.#leader() === undefined) {
      this.now = Math.min(...this.places.map(({ alarmMs }) => alarmMs));
      for (const place of this.places) if (place.alarmMs <= this.now) place.agent.alarm(this.now);
      this.settle();
    }
  }

  place(id: string): Place {
    return this.places[IDS.indexOf(id)] as Place;
  }

  #leader(): Place | undefined {
    return this.places.find(({ agent }) => agent.consensusStatus.role === "leader");
  }

  get leader(): Place {
    return this.#leader() as Place;
  }

  settle(): void {
    while (this.places.map((place) => place.step([])).some((busy) => busy));
  }
}

interface Cost {
  /** Of CPU time, all three agents and the bench's own part in one thread. */
  readonly putsPerSecond: number;
  readonly allMicros: number;
  readonly leaderMicros: number;
}

/** Batches of puts at one agent, each answered before the next. */
function measure(batch: number, at: "leader" | "follower", watched: boolean, seconds: number): Cost {
  const value = new Uint8Array(VALUE_BYTES).fill(7);
  let puts = 0;
  let elapsedMs = 0;
  let spentMs = 0;
  let allMs = 0;
  let leaderMs = 0;
  while (elapsedMs < seconds * 1000) {
    const trio = new Trio(watched);
    const { leader } = trio;
    const target = at === "leader" ? leader : (trio.places.find((place) => place !== leader) as Place);
    trio.settle();
    for (const place of trio.places) place.spentMs = 0;
    const answeredBefore = target.answered;
    const begin = performance.now();
    const beginCpu = cpuMs();
    let own = 0;
    for (; own < PUTS_A_TRIO && performance.now() - begin < seconds * 1000; own += batch) {
      const requests: ClientRequest[] = [];
      for (let put = own + 1; put <= own + batch; put++)
        requests.push({
          op: "put",
          id: put,
          namespace: "bench",
          key: `key-${put % KEYS}`,
          value,
          session: "client",
          sequence: put,
          firstUnanswered: own + 1,
        });
      target.step(requests);
      trio.settle();
      trio.now += 0.25;
    }
    elapsedMs += performance.now() - begin;
    spentMs += cpuMs() - beginCpu;
    if (target.answered - answeredBefore !== own || target.failed > 0)
      throw new Error(`${target.answered - answeredBefore} of ${own} puts answered, ${target.failed} of them refused`);
    puts += own;
    for (const place of trio.places) allMs += place.spentMs;
    leaderMs += leader.spentMs;
  }
  return {
    putsPerSecond: (puts * 1000) / spentMs,
    allMicros: (allMs * 1000) / puts,
    leaderMicros: (leaderMs * 1000) / puts,
  };
}
