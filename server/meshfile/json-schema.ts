/** JSON schemas, draft 2020-12, as proposals are held against them. */
import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";

/** Of what does not fit so much is told: whoever put it right asks again. */
const MAX_SHOWN = 3;
const MAX_SHOWN_CHARACTERS = 160;

/** What of a JSON value does not fit, in a few words without a full stop; undefined: it fits. */
export type SchemaCheck = (value: unknown) => string | undefined;

/** Knows schemas by the schema that they must fit themselves: to make it costs more than all else. */
let ofSchemas: Ajv2020 | undefined;

/**
 * What is not understood is an error, not passed over: an unknown keyword may be a known one misspelt. So is `format`, which draft 2020-12 lets a validator ignore: nothing
 * that a schema asks for goes unchecked without a word.
 * @throws Error saying why it is no schema, without a full stop
 */
export function compileSchema(schema: object): SchemaCheck {
  ofSchemas ??= new Ajv2020({ logger: false });
  if (ofSchemas.validateSchema(schema) !== true)
    throw new Error(ofSchemas.errorsText(ofSchemas.errors, { dataVar: "schema" }));
  // One for each: what a schema defines by an id is no other's.
  const ajv = new Ajv2020({
    validateSchema: false,
    strictSchema: true,
    // Lint of working schemas, such as `required` without a `type: object` beside it.
    strictTypes: false,
    strictTuples: false,
    allErrors: true,
    // What an object inherits is not in the JSON: {} has no "toString".
    ownProperties: true,
    logger: false,
  });
  const validate = ajv.compile(schema);
  if ("$async" in validate) throw new Error('"$async" is no keyword of JSON schema');
  return (value) => {
    try {
      return validate(value) ? undefined : told(validate.errors ?? []);
    } catch (error) {
      // A schema that refers to itself goes as deep as the value does.
      return error instanceof RangeError ? "it is nested too deeply to be checked" : (error as Error).message;
    }
  };
}

function told(errors: readonly ErrorObject[]): string {
  const shown = errors.slice(0, MAX_SHOWN).map(oneError).join("; ");
  return errors.length > MAX_SHOWN ? `${shown}; and ${errors.length - MAX_SHOWN} more` : shown;
}

function oneError({ instancePath, keyword, params, message }: ErrorObject): string {
  const detail =
    keyword === "additionalProperties" || keyword === "unevaluatedProperties"
      ? ` (${JSON.stringify(params.additionalProperty ?? params.unevaluatedProperty)})`
      : keyword === "enum"
        ? ` (${JSON.stringify(params.allowedValues)})`
        : keyword === "const"
          ? ` (${JSON.stringify(params.allowedValue)})`
          : "";
  return short(`${instancePath === "" ? "it" : instancePath} ${message ?? `fails ${keyword}`}${detail}`);
}

function short(text: string): string {
  const line = text.replace(/\p{Cc}+/gu, " ");
  return line.length > MAX_SHOWN_CHARACTERS ? `${line.slice(0, MAX_SHOWN_CHARACTERS).toWellFormed()}...` : line;
}
