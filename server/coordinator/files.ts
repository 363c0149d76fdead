/** The coordinator's own files in a swarm's folder, beside those that live/layout.ts knows. */
import { join } from "node:path";
import { swarmPaths } from "../live/layout.ts";

export interface CoordinatorFiles {
  /** Who runs the swarm: pid and start time. */
  readonly lock: string;
  /** Where that one's control socket is, with its token; for its owner's eyes alone. */
  readonly control: string;
  /** The timeline's older part. */
  readonly timeline: string;
  /** Proof of lies, a JSON line each; for its owner's eyes alone. */
  readonly evidence: string;
}

export function coordinatorFiles(folder: string, swarm: string): CoordinatorFiles {
  const { root } = swarmPaths(folder, swarm);
  return {
    lock: join(root, "coordinator.lock"),
    control: join(root, "coordinator.json"),
    timeline: join(root, "timeline"),
    evidence: join(root, "evidence.jsonl"),
  };
}
