import { isAbsolute } from "node:path";
import { CONSENSUS, CONSENSUS_KINDS } from "../../contract/consensus.ts";
import { GROUP_TARGETS, ZONE_TARGET } from "../../contract/faults.ts";
import type { MeshDiagnostic } from "../../contract/mesh.ts";
import { filesBeside } from "../../live/beside-mesh.ts";
import {
  BYZANTINE_KEYS,
  CHAOS_KEYS,
  CHAOS_KIND_KEYS,
  CLOCK_KEYS,
  CPU_KEYS,
  DISK_KEYS,
  FAULT_KEYS,
  FLAP_KEYS,
  LATENCY_KEYS,
  LINK_KEYS,
  LOSSY_KEYS,
  MESSAGE_KEYS,
  PARTITION_KEYS,
  REORDER_KEYS,
  SLICING_KEYS,
  SLOW_KEYS,
  TOXIC_KEYS,
} from "../../meshfile/fault-syntax/keys.ts";
import {
  AVAILABILITY_KEYS,
  EXPECT_KEYS,
  type KeyMeaning,
  MESH_KEYS,
  POLICY_KEYS,
  PROPOSAL_KEYS,
  RECORDING_KEYS,
  TASK_KEYS,
  TIMING_KEYS,
  TOPOLOGY_KEYS,
} from "../../meshfile/keys.ts";
import { parseMesh } from "../../meshfile/mesh-file.ts";
import { zoneNamesIn } from "../../meshfile/zones-section.ts";
import { flowPlace } from "./flow.ts";

/** A position as editors count: from 0. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface EditorDiagnostic {
  readonly range: { readonly start: Position; readonly end: Position };
  readonly severity: 1 | 2;
  readonly source: "agent-mesh";
  readonly code: string;
  readonly message: string;
}

export interface Offer {
  readonly label: string;
  readonly detail: string;
  readonly insertText: string;
}

/** @param file where the text is, or will be, kept; what has no place in a folder has no files beside it */
export function editorDiagnostics(text: string, file: string): EditorDiagnostic[] {
  const readBeside = isAbsolute(file) ? filesBeside(file) : undefined;
  return parseMesh(text, file, readBeside).diagnostics.map(editorDiagnostic);
}

function editorDiagnostic(found: MeshDiagnostic): EditorDiagnostic {
  return {
    range: {
      start: { line: found.line - 1, character: found.column - 1 },
      end: { line: found.endLine - 1, character: found.endColumn - 1 },
    },
    severity: found.severity === "error" ? 1 : 2,
    source: "agent-mesh",
    code: found.code,
    message: found.message,
  };
}

/** What may be typed here: the keys of the surrounding mapping that are not there yet, or the values of the key of this line that this file's consensus has. */
export function completions(text: string, at: Position): Offer[] {
  const others = ofOtherKinds(text);
  return offers(text, at).filter(({ label }) => !others.has(label));
}

/** Events and messages that the file's consensus does not have. Works on files that do not parse yet. */
function ofOtherKinds(text: string): ReadonlySet<string> {
  const named = /^consensus:\s*(\w+)/m.exec(text)?.[1];
  const own = CONSENSUS_KINDS.find((kind) => kind === named) ?? "raft";
  const others = CONSENSUS_KINDS.filter((kind) => kind !== own).map((kind) => CONSENSUS[kind]);
  return new Set(others.flatMap(({ events, messageTypes }) => [...events, ...messageTypes]));
}

function offers(text: string, at: Position): Offer[] {
  const lines = text.split("\n");
  const line = lines[at.line] ?? "";
  const before = line.slice(0, at.character);
  // After the colon an editor begins a new word: the name alone.
  const zone = /[\s[,]zone:[\w-]*$/.exec(before);
  if (zone)
    return zoneNamesIn(text).map((name) => ({ label: name, detail: `All agents of zone ${name}.`, insertText: name }));
  const flow = flowPlace(before);
  if (flow) {
    const inside = flowKeys(flow.section, lines, at);
    if (flow.valueOf !== undefined) return valuesOf(flow.valueOf, inside, text);
    return /[{,]\s*[A-Za-z]*$/.test(before) ? missing(inside, flow.present) : [];
  }
  const value = /^\s*(?:-\s+)?([A-Za-z]+):\s*\S*$/.exec(before);
  const keys = keysAt(lines, at);
  if (value) return valuesOf(value[1], keys, text);
  if (!/^\s*(?:-\s+)?[A-Za-z]*$/.test(before)) return [];
  return missing(keys, siblings(lines, at));
}

/** Where agents may stand, zones may: of keys that take groups, and of the sides of a partition. */
function valuesOf(key: string | undefined, keys: readonly KeyMeaning[], text: string): Offer[] {
  const known = keys.find((one) => one.key === key);
  if (known === undefined) return [];
  const takesZones = known.values === GROUP_TARGETS || key === "partition";
  const zones = takesZones ? zoneNamesIn(text).map((name) => `${ZONE_TARGET}${name}`) : [];
  return [...(known.values ?? []), ...zones].map((label) => ({ label, detail: known.meaning, insertText: label }));
}

function missing(keys: readonly KeyMeaning[], present: ReadonlySet<string>): Offer[] {
  return keys
    .filter((key) => !present.has(key.key))
    .map((key) => ({ label: key.key, detail: key.meaning, insertText: `${key.key}: ` }));
}

/** The keys of a mapping in braces; without a name before the brace it is an item of a list. */
function flowKeys(section: string | undefined, lines: readonly string[], at: Position): readonly KeyMeaning[] {
  const known = section === undefined ? undefined : SECTIONS[section];
  if (known) return known;
  // Agents may be called anything: in braces that open in a line of theirs is a policy.
  if (sectionAt(lines, at).name === "policies") return POLICY_KEYS;
  return section === undefined ? keysAt(lines, at) : [];
}

/** What the key under the cursor means. */
export function hover(text: string, at: Position): string | undefined {
  const lines = text.split("\n");
  const line = lines[at.line] ?? "";
  const word = [...line.matchAll(/([A-Za-z]+):(?=\s|$)/g)].find(
    ({ index, 1: key = "" }) => index <= at.character && at.character <= index + key.length,
  );
  if (!word) return undefined;
  const before = line.slice(0, word.index);
  const flow = flowPlace(before);
  if (!flow && !/^\s*(?:-\s+)?$/.test(before)) return undefined;
  const keys = flow ? flowKeys(flow.section, lines, at) : keysAt(lines, at);
  const found = keys.find((key) => key.key === word[1]);
  if (!found) return undefined;
  return `**${found.key}**: ${found.meaning}${found.values ? `\n\nValues: ${found.values.map((v) => `\`${v}\``).join(", ")}` : ""}`;
}

const SECTIONS: Readonly<Record<string, readonly KeyMeaning[]>> = {
  topology: TOPOLOGY_KEYS,
  // By their names.
  zones: [],
  timing: TIMING_KEYS,
  tasks: TASK_KEYS,
  faults: FAULT_KEYS,
  expect: EXPECT_KEYS,
  recording: RECORDING_KEYS,
  proposals: PROPOSAL_KEYS,
  policy: POLICY_KEYS,
  // By agents' ids.
  policies: [],
  // Of JSON schemas, not of mesh files.
  schema: [],
  availability: AVAILABILITY_KEYS,
  partition: PARTITION_KEYS,
  slow: SLOW_KEYS,
  lossy: LOSSY_KEYS,
  link: LINK_KEYS,
  toxics: TOXIC_KEYS,
  latency: LATENCY_KEYS,
  reorder: REORDER_KEYS,
  slicing: SLICING_KEYS,
  flap: FLAP_KEYS,
  message: MESSAGE_KEYS,
  disk: DISK_KEYS,
  clock: CLOCK_KEYS,
  cpu: CPU_KEYS,
  byzantine: BYZANTINE_KEYS,
  chaos: CHAOS_KEYS,
  kinds: CHAOS_KIND_KEYS,
};

/** The keys of the mapping that this line belongs to. */
function keysAt(lines: readonly string[], at: Position): readonly KeyMeaning[] {
  const { name, direct } = sectionAt(lines, at);
  if (name === "policies" && !direct) return POLICY_KEYS;
  return name === undefined ? MESH_KEYS : (SECTIONS[name] ?? MESH_KEYS);
}

/**
 * The nearest section around a line whose keys are known, told by indentation; works on files that do not parse yet.
 * direct: there is nothing between them, such as an agent's id.
 */
function sectionAt(
  lines: readonly string[],
  at: Position,
): { readonly name: string | undefined; readonly direct: boolean } {
  let direct = true;
  let indent = indentOf(lines[at.line] ?? "", at.character);
  for (let above = at.line - 1; above >= 0 && indent > 0; above--) {
    const line = lines[above] as string;
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
    const here = indentOf(line, line.length);
    const key = /^\s*(?:-\s+)?([A-Za-z]+):\s*$/.exec(line)?.[1];
    const opensList = key !== undefined && here <= indent && (lines[above + 1] ?? "").trimStart().startsWith("-");
    if (here < indent || (opensList && here === indent)) {
      if (key !== undefined && SECTIONS[key]) return { name: key, direct };
      direct = false;
      indent = here;
    }
  }
  return { name: undefined, direct };
}

/** Keys that stand in the same mapping already. */
function siblings(lines: readonly string[], at: Position): Set<string> {
  const own = indentOf(lines[at.line] ?? "", at.character);
  const found = new Set<string>();
  const look = (step: 1 | -1): void => {
    const startsItem = /^\s*-\s/.test(lines[at.line] ?? "");
    if (step === -1 && startsItem) return;
    for (let line = at.line + step; line >= 0 && line < lines.length; line += step) {
      const text = lines[line] as string;
      if (text.trim() === "") continue;
      const indent = indentOf(text, text.length);
      if (indent < own) return;
      const item = /^\s*-\s/.test(text);
      if (indent === own && item && step === 1) return;
      const key = /^\s*(?:-\s+)?([A-Za-z]+):/.exec(text)?.[1];
      if (indent === own && key !== undefined) found.add(key);
      if (indent === own && item && step === -1) return;
    }
  };
  look(-1);
  look(1);
  return found;
}

/** Column of the first key on the line, counting a list dash as indentation. */
function indentOf(line: string, limit: number): number {
  const match = /^\s*(?:-\s+)?/.exec(line) as RegExpExecArray;
  return Math.min(match[0].length, limit);
}
