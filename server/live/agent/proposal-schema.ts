import { compileSchema, type SchemaCheck } from "../../meshfile/json-schema.ts";

/** A swarm has one, and each policy at most one: they stay. */
const compiled = new Map<string, SchemaCheck>();

/**
 * What of a proposal's body does not fit a JSON schema, in a few words without a full stop; undefined: it fits.
 * @param schemaText as swarm.json has it
 * @throws Error when that is no schema
 */
export function schemaProblem(schemaText: string, bodyText: string): string | undefined {
  const check = compiled.get(schemaText) ?? compileSchema(JSON.parse(schemaText) as object);
  compiled.set(schemaText, check);
  let body: unknown;
  try {
    body = JSON.parse(bodyText);
  } catch (error) {
    return `it is not JSON: ${(error as Error).message}`;
  }
  return check(body);
}
