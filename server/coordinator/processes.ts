/** The processes of a swarm's agents: started, killed, paused, let go on, ended. Always the very process, never one that was given its id later. */
import { readLife } from "../live/layout.ts";
import type { ProcessIdentity } from "../live/process.ts";
import { isRunning, kill, pause, resume, terminate } from "../live/process.ts";
import type { StartedAgent } from "../live/spawn.ts";
import { spawnAgent } from "../live/spawn.ts";
import type { SwarmFile } from "../live/swarm-file.ts";
import type { AgentWatch } from "./agent-watch.ts";

const LOOK_EVERY_MS = 15;
/** An agent that stops in good order ends its tasks first, for up to 3 s. */
const STOP_MS = 3500;
const TERMINATE_MS = 500;
const KILL_MS = 5000;

export type ProcessNews =
  | { readonly type: "started"; readonly agent: AgentWatch; readonly started: StartedAgent }
  | { readonly type: "ended"; readonly agent: AgentWatch; readonly pid: number };

export class Processes {
  readonly #swarm: SwarmFile;
  readonly #news: (news: ProcessNews) => void;

  constructor(swarm: SwarmFile, news: (news: ProcessNews) => void) {
    this.#swarm = swarm;
    this.#news = news;
  }

  /** @throws AgentNotStarted */
  async start(agent: AgentWatch): Promise<void> {
    agent.process = "starting";
    try {
      const started = await spawnAgent({ folder: this.#swarm.folder, swarm: this.#swarm.id, agent: agent.id });
      agent.identity = { pid: started.pid, startTime: started.startTime };
      agent.process = "running";
      this.#news({ type: "started", agent, started });
    } catch (error) {
      agent.process = "crashed";
      throw error;
    }
  }

  /** The process of its last life, if that still runs: for a swarm that was found again. */
  find(agent: AgentWatch): boolean {
    const life = readLife(this.#swarm.folder, this.#swarm.id, agent.id);
    if (life === null || !isRunning(life)) return false;
    agent.identity = { pid: life.pid, startTime: life.startTime };
    agent.process = "running";
    return true;
  }

  /** Notices that its process ended. False while it runs. */
  ended(agent: AgentWatch): boolean {
    const { identity } = agent;
    // Nobody here can tell.
    if (agent.foreign) return false;
    if (identity === null) return true;
    if (isRunning(identity)) return false;
    this.#gone(agent, identity);
    return true;
  }

  /** SIGKILL; resolves when it is gone. */
  async crash(agent: AgentWatch): Promise<void> {
    const { identity } = agent;
    if (identity === null) return;
    kill(identity);
    await endedWithin([identity], KILL_MS);
    this.#gone(agent, identity);
  }

  pause(agent: AgentWatch): void {
    if (agent.identity !== null && pause(agent.identity)) agent.process = "paused";
  }

  resume(agent: AgentWatch): void {
    if (agent.identity === null || agent.process !== "paused") return;
    if (resume(agent.identity)) agent.process = "running";
  }

  /**
   * Ends them all: asked first, then SIGTERM, then SIGKILL. Those that run elsewhere are asked.
   * @returns the ids of those that ran
   * @throws Error naming those that nothing ends
   */
  async end(agents: readonly AgentWatch[], ask: (agent: AgentWatch) => Promise<boolean>): Promise<number[]> {
    const guests = agents.filter(({ foreign, connected }) => foreign && connected);
    await Promise.all(guests.map(ask));
    const running = agents.filter(({ identity }) => identity !== null && isRunning(identity));
    const identities = running.map(({ identity }) => identity!);
    const asked = await Promise.all(
      running.map((agent) => {
        this.resume(agent);
        return ask(agent);
      }),
    );
    asked.forEach((heard, at) => {
      if (!heard) terminate(identities[at]!);
    });
    let left = await endedWithin(identities, STOP_MS);
    for (const identity of left) terminate(identity);
    if (left.length > 0) left = await endedWithin(left, TERMINATE_MS);
    for (const identity of left) kill(identity);
    if (left.length > 0) left = await endedWithin(left, KILL_MS);
    // Some have been noticed to be gone meanwhile: their identity is no longer the agent's.
    running.forEach((agent, at) => {
      if (!left.includes(identities[at]!)) this.#gone(agent, identities[at]!);
    });
    if (left.length > 0) throw new Error(`Nothing ends these processes: ${left.map(({ pid }) => pid).join(", ")}.`);
    return identities.map(({ pid }) => pid);
  }

  /** At once, for what must not stay. */
  async killAll(agents: readonly AgentWatch[]): Promise<void> {
    await Promise.all(agents.map((agent) => this.crash(agent)));
  }

  #gone(agent: AgentWatch, identity: ProcessIdentity): void {
    if (agent.identity !== identity) return;
    agent.identity = null;
    agent.process = "crashed";
    agent.connected = false;
    agent.forget();
    this.#news({ type: "ended", agent, pid: identity.pid });
  }
}

/** Those that still run after so long. */
async function endedWithin(identities: readonly ProcessIdentity[], withinMs: number): Promise<ProcessIdentity[]> {
  const deadline = performance.now() + withinMs;
  let left = identities.filter(isRunning);
  while (left.length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    left = left.filter(isRunning);
  }
  return left;
}
