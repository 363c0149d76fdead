import { dirname, resolve } from "node:path";
import type { WatchSimulation } from "../../contract/coordinator.ts";
import { MAX_SEED } from "../../contract/simulated.ts";
import type { SwarmView } from "../../contract/swarm.ts";
import { Coordinator } from "../../coordinator/coordinator.ts";
import { messageOf } from "../../coordinator/refusal.ts";
import { deferred } from "../../live/deferred.ts";
import { identityOf, kill } from "../../live/process.ts";
import { durationFlag, type Flags, integerFlag, UsageError } from "./arguments.ts";
import { diagnosticText, readMeshFile } from "./check.ts";
import { expectationText } from "./expectations.ts";
import { swarmHistory, writeHistory } from "./history.ts";
import { Narrator } from "./narrator.ts";
import type { Output } from "./output.ts";
import { speedFlag } from "./pace.ts";
import { Ears, type Heard } from "./reach.ts";
import { sweep } from "./swarms-here.ts";
import { headText, statusText, stoppedText } from "./tables.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const OPERATION = "up";
/** Of agents: nobody asked for more yet. */
const MOST_LINES = 100;
/** As shells count a process that SIGINT ended. */
const INTERRUPTED = 130;

/** Brings a swarm up and stays in front of it until the time is over, a signal comes or the swarm ends. @returns the exit code. */
export async function up(file: string, flags: Flags, output: Output): Promise<number> {
  if (flags.detached) throw new UsageError("A swarm is detached by its mesh file: write `detached: true` there.");
  const forMs = durationFlag(flags.for, "for");
  const path = resolve(file);
  const { mesh, diagnostics } = readMeshFile(path);
  for (const found of diagnostics) output.problem(diagnosticText(file, found));
  if (!mesh) return 2;
  const simulation = simulationWish(flags);
  if (flags.history !== undefined) makeHistory(flags.history);
  if (flags.history !== undefined && mesh.memory === "eventual")
    output.note(
      `${mesh.consensus === "gossip" ? "gossip" : "memory: eventual"} promises no linearizable memory: what check-history finds against this history may be as it should be.`,
    );
  await sweep(dirname(path));
  const front = new Front(output, mesh.expect.stated.length > 0, flags.history);
  try {
    return await front.run(path, forMs, simulation);
  } finally {
    await front.close();
  }
}

type SimulationWish = Omit<WatchSimulation, "file" | "operation">;

/** undefined: processes. @throws UsageError */
function simulationWish({ simulated, seed, speed, judged, chaos, history }: Flags): SimulationWish | undefined {
  if (!simulated) {
    for (const [name, value] of Object.entries({ seed, speed, judged: judged || undefined, chaos: chaos || undefined }))
      if (value !== undefined) throw new UsageError(`up takes --${name} only with --simulated.`);
    return undefined;
  }
  if (history !== undefined)
    throw new UsageError("--history is of processes; of a simulation: agent-mesh history --simulate FILE");
  if (chaos && !judged)
    throw new UsageError("up takes --chaos only with --judged; a fault of your own: agent-mesh fault, while it is up.");
  return {
    seed: integerFlag(seed, "seed", 0, MAX_SEED) ?? 1,
    speed: speed === undefined ? 1 : speedFlag(speed),
    ...(judged && { judged }),
    ...(chaos && { chaos }),
  };
}

/** A swarm in the foreground of a terminal. */
class Front {
  readonly #output: Output;
  readonly #ears = new Ears();
  readonly #coordinator = new Coordinator({ notify: (name, params) => this.#ears.hear(name, params) });
  readonly #narrator: Narrator;
  readonly #ending = deferred<string>();
  readonly #expects: boolean;
  readonly #history: string | undefined;
  #signals = 0;
  #swarm: string | undefined;
  /** The verdict of a judged run. */
  #broke = false;

  /** @param expects the file says what is expected of it */
  constructor(output: Output, expects: boolean, history: string | undefined) {
    this.#output = output;
    this.#expects = expects;
    this.#history = history;
    this.#narrator = new Narrator(output, OPERATION);
    this.#ears.listen((heard) => this.#hear(heard));
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    output.onClosed(() => this.#ending.resolve("nobody reads its output"));
  }

  /** @param forMs of real time */
  async run(file: string, forMs: number | undefined, simulation: SimulationWish | undefined): Promise<number> {
    const workload = this.#history !== undefined;
    const starting =
      simulation === undefined
        ? this.#coordinator.handle("initSwarm", { file, operation: OPERATION, workload })
        : this.#coordinator.handle("watchSimulation", { file, operation: OPERATION, ...simulation });
    const first = await Promise.race([starting, this.#ending.promise]);
    if (typeof first === "string") return this.#cancel(first, starting);
    this.#swarm = first.id;
    this.#narrator.up(first);
    const told = first.agents.length > MOST_LINES ? headText(first) : statusText(first);
    this.#output.line("up", { swarm: first }, `\n${told}\n\n${hint(first, forMs)}\n`);
    await this.#coordinator.handle("subscribe", { swarms: true, timeline: false, metrics: false });
    const timer = forMs === undefined ? undefined : setTimeout(() => this.#ending.resolve("time is over"), forMs);
    const reason = await this.#ending.promise;
    clearTimeout(timer);
    return this.#stop(first, reason);
  }

  async close(): Promise<void> {
    await this.#coordinator.dispose();
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  async #cancel(reason: string, starting: Promise<SwarmView>): Promise<number> {
    await this.#coordinator.handle("cancel", { operation: OPERATION });
    // It may have come up in the very moment; then it is stopped as any other.
    const swarm = await starting.catch(() => undefined);
    if (swarm !== undefined) await this.#coordinator.handle("stopSwarm", { swarm: swarm.id, operation: "stop" });
    this.#output.line("cancelled", { reason }, `Cancelled (${reason}); nothing is left.`);
    return INTERRUPTED;
  }

  async #stop(swarm: SwarmView, reason: string): Promise<number> {
    const { id, name, simulated } = swarm;
    const views = await this.#coordinator.handle("swarms", {});
    const view = views.find((one) => one.id === id);
    if (view === undefined) {
      this.#output.line("stopped", { reason, ended: [] }, `${name} has stopped (${reason}).`);
      return this.#broke ? 1 : 0;
    }
    // Somebody else stops it already: there is nothing left to ask.
    const kept = view.phase !== "running" || simulated !== undefined || (await this.#judge(id));
    const { ended } = await this.#coordinator.handle("stopSwarm", { swarm: id, operation: "stop" });
    this.#output.line("stopped", { reason, ended }, stoppedText(swarm, reason, ended));
    return kept && !this.#broke ? 0 : 1;
  }

  /** Whether everything that is expected held, as far as it is known. For people only what they asked for, or what broke. */
  async #judge(swarm: string): Promise<boolean> {
    let kept = true;
    try {
      for (const result of await this.#coordinator.handle("expectations", { swarm })) {
        const tell = this.#expects || result.held === false;
        this.#output.line("expectation", result, tell ? expectationText(result) : undefined);
        if (result.held === false) kept = false;
      }
      if (this.#history !== undefined) writeHistory(this.#history, await swarmHistory(this.#coordinator, swarm));
    } catch (error) {
      this.#output.problem(`What is expected could not be judged to the end. ${messageOf(error)}`);
      return false;
    }
    return kept;
  }

  #hear(heard: Heard): void {
    this.#narrator.hear(heard);
    if (heard.name !== "swarmChanged" || heard.params.id !== this.#swarm) return;
    const { phase, problem, simulated } = heard.params;
    if (simulated?.verdict?.kept === false) this.#broke = true;
    if (phase === "stopped" || phase === "failed") this.#ending.resolve(problem || phase);
  }

  /** The first one stops in good order; the second kills the agents, so that the stop has nothing to wait for. */
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.#signals++;
    if (this.#signals === 1) {
      this.#output.line("stopping", { reason: signal }, `Stopping (${signal}) … once more to kill.`);
      this.#ending.resolve(signal);
    } else {
      void this.#kill(signal);
    }
  };

  async #kill(reason: string): Promise<void> {
    // Refused when it is closing already; then nothing is left to kill.
    const views = await this.#coordinator.handle("swarms", {}).catch(() => []);
    const agents = views.flatMap(({ agents }) => agents.flatMap(({ pid }) => (pid === null ? [] : [identityOf(pid)])));
    this.#output.line("killing", { reason, pids: agents.map(({ pid }) => pid) }, `Killing ${agents.length} agents.`);
    for (const agent of agents) kill(agent);
  }
}

/** Before anything is started: a path that cannot be written is not found out in the end. @throws UsageError */
function makeHistory(path: string): void {
  try {
    writeHistory(path, []);
  } catch (error) {
    throw new UsageError(`--history ${path} cannot be written: ${messageOf(error)}.`);
  }
}

/** What one can do now, at one glance. */
function hint({ folder, detached }: SwarmView, forMs: number | undefined): string {
  const end = forMs === undefined ? "Ctrl-C stops it" : `It stops in ${forMs / 1000} s, or with Ctrl-C`;
  const whose = detached ? " (it is detached: killing this command does not)" : "";
  return `${end}${whose}. In another terminal: agent-mesh status --dir ${folder}`;
}
