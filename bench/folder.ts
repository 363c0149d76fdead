import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";

/** A new folder on the disk of the checkout, where swarms and peers write what is measured. Whoever asks for it removes it. */
export function benchFolder(): string {
  const cache = join(process.cwd(), ".cache");
  mkdirSync(cache, { recursive: true });
  return mkdtempSync(join(cache, "bench-"));
}
