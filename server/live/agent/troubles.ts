import type { DiskTrouble, HeldEffect } from "../../contract/faults.ts";
import { type LogDisk, realDisk } from "../log/file-log.ts";
import type { LiveClock } from "./clock.ts";

/** What faults do to this process besides its links: its disk, its clock, its processor. */
export class Troubles {
  readonly disk: LogDisk;
  readonly #clock: LiveClock;
  #slowMs = 0;
  #refusal: Extract<DiskTrouble["trouble"], "failing" | "full"> | undefined;
  #slowdown = 1;

  constructor(clock: LiveClock, disk: LogDisk = realDisk) {
    this.#clock = clock;
    this.disk = {
      write: (file, bytes, from, position) => {
        this.#check("write");
        return disk.write(file, bytes, from, position);
      },
      syncInPlace: (file) => {
        disk.syncInPlace(file);
        // A slow disk holds up whoever waits for it in place.
        if (this.#slowMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, this.#slowMs);
        this.#check("fdatasync");
      },
      syncApart: (file, done) =>
        disk.syncApart(file, (error) => {
          const slowMs = this.#slowMs;
          if (error !== null || slowMs === 0) done(error);
          else setTimeout(() => done(null), slowMs);
        }),
    };
  }

  setEffects(effects: readonly HeldEffect[]): void {
    this.#slowMs = 0;
    this.#slowdown = 1;
    this.#refusal = undefined;
    const clocks: { id: string; skewMs: number; driftPpm: number }[] = [];
    for (const { id, effect } of effects) {
      if (effect.on === "clock") clocks.push({ id, skewMs: effect.skewMs, driftPpm: effect.driftPpm });
      else if (effect.on === "cpu") this.#slowdown *= effect.slowdown;
      else if (effect.on === "disk") this.#trouble(effect.disk);
    }
    this.#clock.trouble(clocks);
  }

  /** Something was computed since then (performance.now(), ms): it is to have taken so many times as long. */
  lag(sinceMs: number): void {
    if (this.#slowdown <= 1) return;
    const endMs = sinceMs + (performance.now() - sinceMs) * this.#slowdown;
    // As a slow processor does, it keeps the thread: nothing else gets on meanwhile.
    while (performance.now() < endMs);
  }

  #trouble(disk: DiskTrouble): void {
    if (disk.trouble === "slow") this.#slowMs += disk.delayMs;
    else if (disk.trouble === "failing" || disk.trouble === "full") this.#refusal = disk.trouble;
  }

  /** @throws Error as the operating system would give it */
  #check(syscall: string): void {
    if (this.#refusal === undefined) return;
    const full = this.#refusal === "full";
    const [code, what] = full ? ["ENOSPC", "no space left on device"] : ["EIO", "i/o error"];
    throw Object.assign(new Error(`${code}: ${what}, ${syscall} (a fault was injected)`), { code, syscall });
  }
}
