import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { QuickMesh } from "../server/contract/coordinator.ts";
import type { SwarmView } from "../server/contract/swarm.ts";
import { Coordinator } from "../server/coordinator/coordinator.ts";

/** A live swarm for one measurement, in a folder of its own on the disk of the checkout; nothing is left of it. */
export async function withSwarm<T>(
  quick: QuickMesh,
  measure: (coordinator: Coordinator, swarm: SwarmView, startMs: number) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(process.cwd(), ".cache", "bench-"));
  const coordinator = new Coordinator({ notify: () => undefined });
  try {
    const began = performance.now();
    const swarm = await coordinator.handle("initSwarm", { quick, folder, operation: "bench" });
    return await measure(coordinator, swarm, performance.now() - began);
  } finally {
    await coordinator.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}
