/** Prints the table of trace hashes as this Node computes it: see trace-table.test.ts. Run in the project's folder. */
import { traceTable } from "./trace-runs.ts";

process.stdout.write(JSON.stringify(traceTable()));
