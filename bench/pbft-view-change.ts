import { rmSync } from "node:fs";
import { loadavg } from "node:os";
import { type AgentReport, connect, MeshError } from "../server/client/client.ts";
import { kill } from "../server/live/process.ts";
import { TIMING } from "../server/meshfile/timing.ts";
import { type BareSwarm, startBareSwarm } from "./bare-swarm.ts";
import { benchFolder } from "./folder.ts";
import { type BenchOptions, type BenchReport, type Figure, loadFigure, machine, percentile } from "./report.ts";
import { reportsOf } from "./swarm-reports.ts";

const AGENTS = 4;
const WRITERS = 8;
/** As the agents take it: server/agent/settings.ts. */
const VIEW_TIMEOUT_MS = TIMING.local.electionTimeoutMaxMs * 2;
const GOAL_TIMEOUTS = 2;
const KILLS = 20;
/** Under load before a kill, ms. */
const STEADY_MS = 500;
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 100;
/** Batches that a replica may be behind the first and count as one of those that decide. */
const ABREAST = 64;

interface Write {
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** The primary is killed with SIGKILL while clients write, again and again: how long until a write that was sent after that is acknowledged. The killed agent then returns. */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const folder = benchFolder();
  const times: number[] = [];
  const loads: number[] = [];
  const swarm = await startBareSwarm(folder, AGENTS, { consensus: "pbft" });
  const writers = new Writers(swarm);
  try {
    for (let round = 0; round < (quick ? 3 : KILLS); round++) {
      const primary = await settledPrimary(swarm);
      await pause(STEADY_MS);
      const killedMs = performance.now();
      kill(swarm.processOf(primary));
      const write = await writers.firstSentAfter(killedMs);
      times.push(write.answeredMs - killedMs);
      loads.push(loadavg()[0] as number);
      say(`kill ${round + 1}, of ${primary}: served again after ${Math.round(times.at(-1) as number)} ms`);
      await swarm.restart(primary);
    }
  } finally {
    await writers.stop();
    await swarm.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const figures = [
    { name: "least", of: 0 },
    { name: "median", of: 0.5 },
    { name: "p90", of: 0.9 },
    { name: "most", of: 1 },
  ].flatMap(({ name, of }) => figuresOf(`${name} of ${times.length}`, percentile(times, of), of === 1));
  figures.push(loadFigure(loads));
  return { bench: "pbft-view-change", machine: machine(), figures };
}

function figuresOf(name: string, ms: number, aimed: boolean): Figure[] {
  const timeouts = ms / VIEW_TIMEOUT_MS;
  return [
    { name: `kill -9 of the primary until served, ${name}`, value: ms, unit: "ms", goal: "", met: true },
    {
      name: `the same in view timeouts of ${VIEW_TIMEOUT_MS} ms, ${name}`,
      value: timeouts,
      unit: "",
      goal: aimed ? `at most ${GOAL_TIMEOUTS}` : "",
      met: !aimed || timeouts <= GOAL_TIMEOUTS,
    },
  ];
}

/** Closed loops of puts through one connection to whoever serves. */
class Writers {
  readonly #mesh;
  readonly #loops: readonly Promise<void>[];
  #stopped = false;
  #awaited: { readonly afterMs: number; readonly found: (write: Write) => void } | undefined;
  #failure: unknown;

  constructor(swarm: BareSwarm) {
    this.#mesh = connect({ agents: swarm.agents, token: swarm.token, timeoutMs: PATIENCE_MS });
    this.#loops = Array.from({ length: WRITERS }, (_, writer) => this.#write(writer));
  }

  /** @throws Error when none is answered within PATIENCE_MS, or a writer has failed */
  async firstSentAfter(afterMs: number): Promise<Write> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const why = (): Error =>
          new Error(`no write was acknowledged within ${PATIENCE_MS} ms of the kill`, { cause: this.#failure });
        timer = setTimeout(() => reject(why()), PATIENCE_MS);
        this.#awaited = { afterMs, found: resolve };
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#mesh.close();
    await Promise.all(this.#loops);
  }

  async #write(writer: number): Promise<void> {
    const value = new Uint8Array(256).fill(120);
    for (let turn = 0; !this.#stopped; turn++) {
      const sentMs = performance.now();
      try {
        await this.#mesh.put("bench", `key-${writer}-${turn % 100}`, value);
      } catch (error) {
        if (!(error instanceof MeshError)) throw error;
        this.#failure = error;
        // What was under way when its agent was killed may have been written or not: the next one tells.
        await pause(1);
        continue;
      }
      if (this.#awaited === undefined || sentMs <= this.#awaited.afterMs) continue;
      this.#awaited.found({ sentMs, answeredMs: performance.now() });
      this.#awaited = undefined;
    }
  }
}

/** Who leads, once all four take part in one view and are abreast: a kill then takes one of four, not of three. @throws Error when that does not come about */
async function settledPrimary(swarm: BareSwarm): Promise<string> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const reports = await reportsOf(swarm);
    const [{ leader, term }] = reports as [AgentReport];
    const executed = reports.map(({ pbft }) => pbft?.executedSeq ?? 0);
    const together = reports.every((report) => report.leader === leader && report.term === term);
    if (leader !== "" && together && Math.max(...executed) - Math.min(...executed) <= ABREAST) return leader;
    if (performance.now() > deadline)
      throw new Error(
        `not all agents came together within ${PATIENCE_MS} ms: ${reports.map(({ agent, role, term: view, leader: of }, at) => `${agent} ${role} in view ${view} of ${of}, at ${executed[at]}`).join("; ")}`,
      );
    await pause(LOOK_EVERY_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
