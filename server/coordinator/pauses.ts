/** Sees to it that no paused agent stays paused when this coordinator dies: one guardian process for all, started with the first pause. */
import type { PauseGuardian } from "../live/pause-guardian.ts";
import { startPauseGuardian } from "../live/pause-guardian.ts";
import type { ProcessIdentity } from "../live/process.ts";

export class Pauses {
  readonly #paused = new Map<string, { readonly identity: ProcessIdentity; readonly graceMs: number }>();
  /** Of swarms that were let go of while they were paused. */
  readonly #left = new Map<string, { readonly identity: ProcessIdentity; readonly graceMs: number }>();
  readonly #problem: (message: string) => void;
  #guardian: PauseGuardian | undefined;
  #restarts = 0;

  constructor(problem: (message: string) => void) {
    this.#problem = problem;
  }

  get guardianPid(): number | undefined {
    return this.#guardian?.pid;
  }

  /** To be called before the agent is paused. */
  add(name: string, identity: ProcessIdentity, graceMs: number): void {
    this.#paused.set(name, { identity, graceMs });
    this.#tell();
  }

  /** To be called after the agent was let go on, or is gone. The guardian ends with the last one. */
  delete(name: string): void {
    if (!this.#paused.delete(name)) return;
    if (this.#paused.size + this.#left.size > 0) this.#tell();
    else this.close();
  }

  /** It stays paused for a later coordinator; the guardian lets it go on when none comes within the grace period. */
  leave(name: string): void {
    const paused = this.#paused.get(name);
    if (paused === undefined) return;
    this.#paused.delete(name);
    this.#left.set(name, paused);
  }

  /** The coordinator goes. */
  close(): void {
    if (this.#left.size > 0) this.#guardian?.abandon();
    else this.#guardian?.close();
    this.#guardian = undefined;
  }

  #tell(): void {
    this.#guardian ??= startPauseGuardian((why) => {
      this.#guardian = undefined;
      this.#problem(why);
      if (this.#paused.size > 0 && this.#restarts++ < 3) this.#tell();
    });
    const paused = [...this.#paused.values(), ...this.#left.values()];
    this.#guardian.tell({
      graceMs: Math.min(...paused.map(({ graceMs }) => graceMs)),
      paused: paused.map(({ identity }) => identity),
    });
  }
}
