import { Refusal } from "../../coordinator/refusal.ts";
import type { Reached } from "./reach.ts";

/** Of a stretch without any coordinator: another one may take over. */
const REACH_AGAIN_MS = 10_000;
const PAUSE_MS = 200;

/**
 * Attends to something that goes on when the coordinator is gone, through the next one.
 * @param again reaches the swarm once more. @param attend rejects with Refusal `unavailable` when the coordinator is gone. @throws Refusal when nobody answers any more
 */
export async function outlasting<T>(
  reached: Reached,
  again: () => Promise<Reached>,
  attend: (reached: Reached) => Promise<T>,
): Promise<T> {
  let now = reached;
  let goneAt: number | undefined;
  for (;;) {
    try {
      const result = await attend(now);
      if (now !== reached) await now.coordinator.close();
      return result;
    } catch (error) {
      if (!(error instanceof Refusal) || error.reason !== "unavailable") throw error;
      goneAt ??= performance.now();
      if (performance.now() - goneAt > REACH_AGAIN_MS) throw error;
      await now.coordinator.close();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      const next = await again().catch((failure: unknown) => failure);
      // Nobody to ask yet, or the swarm is gone for good: the first is asked again, the second told.
      if (next instanceof Refusal && next.reason === "unavailable") continue;
      if (next instanceof Error) throw next;
      now = next as Reached;
      goneAt = undefined;
    }
  }
}
