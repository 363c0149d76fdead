/** Where a mesh file's JSON schemas come from: they stand in it, or in files beside it. */
import { isMap, isScalar } from "yaml";
import { textProblem } from "../core/text.ts";
import { compileSchema } from "./json-schema.ts";
import { MAX_SCHEMA_BYTES } from "./policies.ts";
import type { Reading } from "./reading.ts";

/**
 * Reads a text file that a mesh file names.
 * @param path relative to the mesh file's folder, and inside of it
 * @param maxBytes what is larger is refused
 * @throws Error with the reason as a sentence
 */
export type ReadBeside = (path: string, maxBytes: number) => string;

/**
 * A schema's text: JSON without spaces, so that the same schema is the same text wherever it stood.
 * @param readBeside absent: nothing can be read here, and a path is an error
 */
export function readSchema(
  reading: Reading,
  node: unknown,
  what: string,
  readBeside: ReadBeside | undefined,
): string | undefined {
  const value = reading.resolve(node);
  const problem = (code: string, message: string): undefined => {
    reading.problem(value, code, message);
    return undefined;
  };
  let schema: unknown;
  let from = what;
  if (isScalar(value) && typeof value.value === "string") {
    from = `${what}: ${value.value}`;
    const read = fileText(value.value, readBeside);
    if ("problem" in read) return problem(read.code, `${from} ${read.problem}`);
    try {
      schema = JSON.parse(read.text);
    } catch (error) {
      return problem("badSchema", `${from} is not JSON: ${(error as Error).message}.`);
    }
  } else if (isMap(value)) {
    try {
      schema = reading.plain(value);
    } catch (error) {
      return problem("badSchema", `${what} cannot be read: ${(error as Error).message}.`);
    }
  } else
    return problem("wrongType", `${what} must be a JSON schema, as a mapping, or the path of a .json file with one.`);
  if (typeof schema !== "object" || schema === null || Array.isArray(schema))
    return problem("badSchema", `${from} is no JSON schema: it must be an object, such as {"type": "object"}.`);
  const text = JSON.stringify(schema);
  const tooLong = textProblem(from, text, { maxBytes: MAX_SCHEMA_BYTES, mayBeEmpty: false });
  if (tooLong !== undefined) return problem("tooLarge", `${tooLong}.`);
  const why = schemaMistake(text);
  return why === undefined ? text : problem("badSchema", `${from} is no JSON schema (draft 2020-12): ${why}.`);
}

/** Of what is kept, not of what was read: YAML knows numbers that JSON does not. */
function schemaMistake(text: string): string | undefined {
  try {
    compileSchema(JSON.parse(text) as object);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function fileText(
  path: string,
  readBeside: ReadBeside | undefined,
): { readonly text: string } | { readonly code: string; readonly problem: string } {
  if (path === "" || /^([/\\]|[A-Za-z]:)/.test(path) || path.split(/[/\\]/).includes(".."))
    return { code: "outsideFolder", problem: "must be a relative path inside the mesh file's folder." };
  if (readBeside === undefined)
    return {
      code: "unreadable",
      problem: "is the path of a file, and files beside this text cannot be read here. Write the schema into it.",
    };
  try {
    return { text: readBeside(path, MAX_SCHEMA_BYTES) };
  } catch (error) {
    return { code: "unreadable", problem: `cannot be read: ${(error as Error).message}` };
  }
}
