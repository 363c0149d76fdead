import { rmSync } from "node:fs";
import type { QuickMesh } from "../server/contract/coordinator.ts";
import type { SwarmView } from "../server/contract/swarm.ts";
import { Coordinator } from "../server/coordinator/coordinator.ts";
import { benchFolder } from "./folder.ts";

/** A live swarm for one measurement, in a folder of its own on the disk of the checkout; nothing is left of it. */
export async function withSwarm<T>(
  quick: QuickMesh,
  measure: (coordinator: Coordinator, swarm: SwarmView, startMs: number) => Promise<T>,
): Promise<T> {
  const folder = benchFolder();
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
