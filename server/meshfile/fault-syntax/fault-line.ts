import { isMap, LineCounter, parseDocument } from "yaml";
import type { FaultSpec, PresetSpec } from "../../contract/faults.ts";
import type { MeshDiagnostic } from "../../contract/mesh.ts";
import { Reading } from "../reading.ts";
import { KIND_KEYS, PRESET_KEYS, TRIGGER_KEYS } from "./keys.ts";
import { readFault } from "./one-fault.ts";
import { readPreset } from "./presets.ts";
import type { FaultScope } from "./scope.ts";

const LONGEST_LINE = 10_000;
/** A preset's pace is said with keys that elsewhere are a trigger's, or any fault's. */
const PRESET_LINE_KEYS = [
  ...PRESET_KEYS,
  ...TRIGGER_KEYS.filter(({ key }) => key === "every" || key === "times"),
  ...KIND_KEYS.filter(({ key }) => key === "for"),
];
const FAULT_LINE_KEYS = [...KIND_KEYS, ...PRESET_KEYS.filter(({ key }) => key === "preset")];

export interface ParsedFault {
  /** One of fault and preset, or a diagnostic. */
  readonly fault?: FaultSpec;
  readonly preset?: PresetSpec;
  /** Columns count in the text as it was given. */
  readonly diagnostics: readonly MeshDiagnostic[];
}

/**
 * One fault or preset in one line, as a mesh file says it, without when: `crash: leader, for: 2s`, `preset: leaderHunt, times: 3`, with or without braces around it.
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
  const read = reading.diagnostics.length > 0 ? undefined : readLine({ reading, mesh }, document.contents);
  if (read !== undefined && reading.diagnostics.length === 0) return { ...read, diagnostics: [] };
  const shift = braced ? 0 : 1;
  return {
    diagnostics: reading.diagnostics.map((found) => ({
      ...found,
      column: found.line === 1 ? Math.max(1, found.column - shift) : found.column,
      endColumn: found.endLine === 1 ? Math.max(1, found.endColumn - shift) : found.endColumn,
    })),
  };
}

function readLine(scope: FaultScope, contents: unknown): Pick<ParsedFault, "fault" | "preset"> | undefined {
  const { reading } = scope;
  if (!namesPreset(reading, contents)) {
    const map = reading.map(contents, "A fault", FAULT_LINE_KEYS);
    const fault = map && readFault(scope, map);
    return fault && { fault };
  }
  const map = reading.map(contents, "A preset", PRESET_LINE_KEYS);
  const preset = map && readPreset(scope, map);
  return preset && { preset };
}

function namesPreset(reading: Reading, contents: unknown): boolean {
  const map = reading.resolve(contents);
  return isMap(map) && map.has("preset");
}
