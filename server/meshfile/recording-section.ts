import { isScalar } from "yaml";
import type { RecordingLimits } from "../contract/mesh.ts";
import { RECORDING_KEYS } from "./keys.ts";
import type { Reading } from "./reading.ts";

const MIB = 1024 * 1024;

/** What a swarm's agents record of themselves when its file does not say otherwise. */
export const RECORDED_BY_DEFAULT: RecordingLimits = { sizeBytes: 128 * MIB, ageMs: 3_600_000, keep: false };

const MIN_SIZE_BYTES = MIB;
const MAX_SIZE_BYTES = 64 * 1024 * MIB;
const MIN_AGE_MS = 1_000;
const MAX_AGE_MS = 30 * 24 * 3_600_000;
const UNITS: Readonly<Record<string, number>> = { KB: 1024, MB: MIB, GB: 1024 * MIB };

/** The `recording:` key: true, false, or a mapping. null: nothing is recorded. What is no such thing is reported, and the default stands in for it. */
export function readRecording(reading: Reading, node: unknown): RecordingLimits | null {
  if (isScalar(reading.resolve(node))) {
    const on = reading.boolean(node, "recording");
    return on === false ? null : RECORDED_BY_DEFAULT;
  }
  const map = reading.map(node, "recording", RECORDING_KEYS);
  if (!map) return RECORDED_BY_DEFAULT;
  const read = <T>(key: string, how: (value: unknown) => T | undefined, without: T): T =>
    map.has(key) ? (how(map.get(key)) ?? without) : without;
  return {
    sizeBytes: read("size", (value) => readSize(reading, value), RECORDED_BY_DEFAULT.sizeBytes),
    ageMs: read(
      "age",
      (value) => reading.durationMs(value, "recording.age", MIN_AGE_MS, MAX_AGE_MS),
      RECORDED_BY_DEFAULT.ageMs,
    ),
    keep: read("keep", (value) => reading.boolean(value, "recording.keep"), RECORDED_BY_DEFAULT.keep),
  };
}

function readSize(reading: Reading, node: unknown): number | undefined {
  const text = reading.text(node, "recording.size");
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*(KB|MB|GB)$/i.exec(text.trim());
  if (!match) {
    reading.problem(reading.resolve(node), "wrongType", "recording.size must be a size such as 512KB, 64MB or 1GB.");
    return undefined;
  }
  const bytes = Math.round(Number(match[1]) * (UNITS[(match[2] as string).toUpperCase()] as number));
  if (bytes >= MIN_SIZE_BYTES && bytes <= MAX_SIZE_BYTES) return bytes;
  reading.problem(reading.resolve(node), "outOfRange", "recording.size must be from 1MB to 64GB.");
  return undefined;
}
