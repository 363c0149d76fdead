/** What one of a swarm of so many costs, and how fast all of them hear of something. */
export interface Measured {
  /** From one until all have it, virtual ms; the mean of a few. */
  readonly broadcastMs: number;
  /** The same until all have it but one in a hundred. */
  readonly mostMs: number;
  /** Nobody does anything: what each sends in a virtual second. */
  readonly messages: number;
  readonly bytes: number;
  /** Of the processor, for a virtual second of one agent, ms. */
  readonly cpuMs: number;
  /** Kept by one, KiB. */
  readonly memoryKiB: number;
  /** Virtual to processor time. */
  readonly speed: number;
}

/** So many may lack it still where all have it but one in a hundred. */
export function fewOf(size: number): number {
  return Math.floor(size / 100);
}

export const KINDS = ["agents", "members"] as const;
export type Kind = (typeof KINDS)[number];

/** What is kept, bytes, once what is not was collected. */
export function keptBytes(): number {
  if (global.gc === undefined) throw new Error("run it with --expose-gc: else what is no longer used counts, too");
  // Twice: buffers outside of the heap are given back beside what follows a collection, and are counted until the next one begins.
  global.gc();
  global.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Processor time of this thread so far, ms. */
export function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
