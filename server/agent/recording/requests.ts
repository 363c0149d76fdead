import type { ClientRequest } from "../../contract/client.ts";
import { type ByteReader, type ByteWriter, MalformedBytes } from "../../core/bytes.ts";
import { type NamesIn, type NamesOut, readValue, writeValue } from "./values.ts";

/**
 * Clients' requests, which are most of what a leader is told. One that has only fields that requests have, each of its kind, is written field by field behind a mask
 * of those it has; any other as a value of any form: what clients send is the agent's to judge, and so it is recorded as it came.
 */
const NAMES = ["op", "session", "namespace", "consistency"] as const;
const TEXTS = ["key", "prefix", "after", "taskId", "before"] as const;
const NUMBERS = ["id", "sequence", "firstUnanswered", "timeoutMs", "ttlMs", "expectedVersion", "limit"] as const;
const BYTES = ["value"] as const;
type Sort = "name" | "text" | "number" | "bytes";
interface Field {
  readonly name: string;
  readonly sort: Sort;
}
const FIELDS: readonly Field[] = [
  ...NAMES.map((name) => ({ name, sort: "name" }) as const),
  ...TEXTS.map((name) => ({ name, sort: "text" }) as const),
  ...NUMBERS.map((name) => ({ name, sort: "number" }) as const),
  ...BYTES.map((name) => ({ name, sort: "bytes" }) as const),
  // What came later stands behind: a recording names fields by their place.
  { name: "of", sort: "name" },
];
const PLACES = new Map(FIELDS.map(({ name }, place) => [name, place]));
/** A mask that no request has: it would have no operation. */
const ANY_FORM = 0;

export function writeRequest(writer: ByteWriter, names: NamesOut, request: ClientRequest): void {
  const fields = request as unknown as Readonly<Record<string, unknown>>;
  const mask = maskOf(fields);
  writer.varint(mask);
  if (mask === ANY_FORM) {
    writeValue(writer, names, request);
    return;
  }
  for (let place = 0; place < FIELDS.length; place++) {
    if ((mask & (1 << place)) === 0) continue;
    const { name, sort } = FIELDS[place] as Field;
    const value = fields[name];
    if (sort === "number") writer.varint(value as number);
    else if (sort === "name") names.write(writer, value as string);
    else if (sort === "text") writer.text(value as string);
    else writer.bytes(value as Uint8Array);
  }
}

function maskOf(fields: Readonly<Record<string, unknown>>): number {
  let mask = 0;
  for (const name in fields) {
    const place = PLACES.get(name);
    if (place === undefined) return ANY_FORM;
    const value = fields[name];
    const { sort } = FIELDS[place] as Field;
    const fits =
      sort === "number"
        ? Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0)
        : sort === "bytes"
          ? value instanceof Uint8Array
          : typeof value === "string";
    if (!fits) return ANY_FORM;
    mask |= 1 << place;
  }
  return mask;
}

/** @throws MalformedBytes */
export function readRequest(reader: ByteReader, names: NamesIn): ClientRequest {
  const mask = reader.varint();
  if (mask === ANY_FORM) return readValue(reader, names) as ClientRequest;
  if (mask >= 1 << FIELDS.length) throw new MalformedBytes(`a request with the fields ${mask}`);
  const fields: [string, unknown][] = [];
  for (const [place, { name, sort }] of FIELDS.entries()) {
    if ((mask & (1 << place)) === 0) continue;
    if (sort === "number") fields.push([name, reader.varint()]);
    else if (sort === "name") fields.push([name, names.read(reader)]);
    else if (sort === "text") fields.push([name, reader.text(reader.remaining)]);
    else fields.push([name, reader.bytes(reader.remaining)]);
  }
  return Object.fromEntries(fields) as unknown as ClientRequest;
}
