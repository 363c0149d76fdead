import type { AgentInputs } from "../../agent/types.ts";
import { ClientClose, type ClientHub } from "./client-hub.ts";
import type { LiveExecutor } from "./executor.ts";
import type { Links } from "./links.ts";
import type { Listener } from "./listener.ts";
import type { LiveWorld } from "./live-world.ts";
import type { ProgramRunner } from "./program-runner.ts";

/** For the goodbye to reach the neighbours. */
const LEAVE_MS = 50;
/** For tasks to end when asked, then by force; what is not over then is not waited for. */
const LAST_WAIT_MS = 3_000;
const LOOK_EVERY_MS = 10;
/** For the last frames to leave. */
const CLOSE_MS = 30;

export const EXIT_FAILED = 1;

/** How an agent came to its end. */
export interface AgentEnd {
  readonly why: string;
  /** coordinator: it was asked to, because it was removed or the swarm was stopped. itself: a signal, its program, or nobody owned it. failure: it could not go on. */
  readonly by: "coordinator" | "itself" | "failure";
}

export interface EndingParts {
  readonly agent: AgentInputs;
  readonly world: LiveWorld;
  readonly listener: Listener;
  readonly links: Links;
  readonly clients: ClientHub;
  readonly executor: LiveExecutor;
  readonly programs: ProgramRunner;
  readonly log: { readonly idle: boolean; close(): void };
  readonly now: () => number;
  readonly note: (line: string) => void;
  /** All is closed. */
  readonly ended: (end: AgentEnd) => void;
}

/** The two ways in which an agent ends itself. */
export class Ending {
  readonly #parts: EndingParts;
  #stopping = false;
  #failed = false;

  constructor(parts: EndingParts) {
    this.#parts = parts;
  }

  /** In good order: says goodbye, ends its tasks, lets what is on its way to the disk and to clients get there. */
  stop(why: string, by: "coordinator" | "itself" = "itself"): void {
    if (this.#stopping || this.#failed) return;
    this.#stopping = true;
    const { agent, clients, executor, links, listener, log, note, now } = this.#parts;
    note(`Stopping: ${why}.`);
    listener.close();
    agent.leave(now());
    const leftAt = performance.now();
    const look = setInterval(() => {
      const passed = performance.now() - leftAt;
      if (passed < LEAVE_MS || ((executor.busy || !log.idle) && passed < LAST_WAIT_MS)) return;
      clearInterval(look);
      clients.close(ClientClose.leaving, why);
      links.close();
      this.#exit({ why, by });
    }, LOOK_EVERY_MS);
  }

  /** It cannot go on. Nothing more is decided or written; clients are told why, as the disk that notes go to may be what failed. */
  fail(why: string): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#parts.world.end();
    this.#parts.note(`The agent ends: ${why}`);
    this.#parts.clients.close(ClientClose.failed, why);
    this.#parts.listener.close();
    this.#parts.links.close();
    this.#exit({ why, by: "failure" });
  }

  #exit(end: AgentEnd): void {
    this.#parts.programs.close();
    setTimeout(() => {
      this.#parts.world.end();
      this.#parts.log.close();
      this.#parts.ended(end);
    }, CLOSE_MS);
  }
}
