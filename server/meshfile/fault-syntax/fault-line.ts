import { LineCounter, parseDocument } from "yaml";
import type { FaultSpec } from "../../contract/faults.ts";
import type { MeshDiagnostic } from "../../contract/mesh.ts";
import { Reading } from "../reading.ts";
import { KIND_KEYS } from "./keys.ts";
import { readFault } from "./one-fault.ts";
import type { FaultScope } from "./scope.ts";

const LONGEST_LINE = 10_000;

export interface ParsedFault {
  /** Absent when there is a diagnostic. */
  readonly fault?: FaultSpec;
  /** Columns count in the text as it was given. */
  readonly diagnostics: readonly MeshDiagnostic[];
}

/**
 * One fault in one line, as a mesh file says it, without when: `crash: leader, for: 2s`, with or without braces around it.
 * @param mesh null: not known; agents are then checked when the fault is injected.
 */
export function parseFault(text: string, mesh: FaultScope["mesh"] = null): ParsedFault {
  const braced = text.trimStart().startsWith("{");
  const line = braced ? text : `{${text}}`;
  const lines = new LineCounter();
  const document = parseDocument(line, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, version: "1.2" });
  const reading = new Reading(document, lines, line.length);
  if (text.length > LONGEST_LINE)
    reading.problemAt(0, 1, "tooLarge", `A fault has at most ${LONGEST_LINE} characters; this one has ${text.length}.`);
  else if (text.trim() === "")
    reading.problemAt(0, 1, "empty", "A fault is missing, such as `crash: leader, for: 2s`.");
  else
    for (const { pos, message } of document.errors)
      reading.problemAt(pos[0], pos[1], "notYaml", `This cannot be read as a fault: ${message}`);
  const map = reading.diagnostics.length > 0 ? undefined : reading.map(document.contents, "A fault", KIND_KEYS);
  const fault = map && readFault({ reading, mesh }, map);
  if (fault !== undefined && reading.diagnostics.length === 0) return { fault, diagnostics: [] };
  const shift = braced ? 0 : 1;
  return {
    diagnostics: reading.diagnostics.map((found) => ({
      ...found,
      column: found.line === 1 ? Math.max(1, found.column - shift) : found.column,
      endColumn: found.endLine === 1 ? Math.max(1, found.endColumn - shift) : found.endColumn,
    })),
  };
}
