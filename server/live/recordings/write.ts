import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RECORDING_SUFFIX } from "../layout.ts";

/** Names sort in the order of recording. */
export function segmentName(incarnation: number, segment: number): string {
  return `${String(incarnation).padStart(10, "0")}-${String(segment).padStart(6, "0")}${RECORDING_SUFFIX}`;
}

/** Writes what was recorded in memory, a folder an agent. @throws the file system's error; also when such a file exists */
export function writeRecording(
  folder: string,
  lives: readonly { readonly agent: string; readonly incarnation: number; readonly segments: readonly Uint8Array[] }[],
): void {
  for (const { agent, incarnation, segments } of lives) {
    mkdirSync(join(folder, agent), { recursive: true });
    for (const [number, bytes] of segments.entries())
      writeFileSync(join(folder, agent, segmentName(incarnation, number)), bytes, { flag: "wx" });
  }
}
