import type { WrittenFault } from "../contract/coordinator.ts";
import { parseFault } from "../meshfile/fault-syntax/fault-line.ts";
import { impossibleFault, type Mesh } from "./fault-rules.ts";

/** What a line says, for a running swarm: what such a one cannot do is told as well as what cannot be read. */
export function writtenFault(text: string, mesh: Mesh): WrittenFault {
  const { fault = null, preset = null, diagnostics } = parseFault(text, mesh);
  const why = fault === null ? undefined : impossibleFault(fault);
  if (why === undefined) return { fault, preset, diagnostics };
  const whole = {
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: text.length + 1,
    severity: "error",
    message: why,
  } as const;
  return { fault: null, preset: null, diagnostics: [{ ...whole, code: "notPossibleHere" }] };
}
