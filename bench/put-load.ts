import { percentile } from "./report.ts";

const VALUE_BYTES = 256;
const KEYS = 10_000;

export type Put = (key: string, value: Uint8Array) => Promise<unknown>;

export interface Sample {
  /** Puts that were acknowledged. */
  readonly puts: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** `clients` closed loops, each putting the next value when the last one was acknowledged. */
export async function load(put: Put, clients: number, seconds: number): Promise<Sample> {
  const value = new Uint8Array(VALUE_BYTES).fill(120);
  const latencies: number[] = [];
  const began = performance.now();
  const until = began + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let turn = 0; performance.now() < until; turn++) {
        const sent = performance.now();
        await put(`key-${(client * 7919 + turn) % KEYS}`, value);
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const elapsed = (performance.now() - began) / 1000;
  return {
    puts: latencies.length,
    perSecond: latencies.length / elapsed,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  };
}
