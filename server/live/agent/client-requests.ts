import { Decoder } from "@msgpack/msgpack";
import {
  CLIENT_FRAME_LIMIT_BYTES,
  type ClientRequest,
  type RosterEntry,
  type RosterLink,
} from "../../contract/client.ts";
import type { HeldEffect } from "../../contract/faults.ts";
import { asFields, type Fields, flag, integer, list, number, text, WrongShape } from "../checked-json.ts";
import { checkedEffect } from "../effect-codec.ts";
import { checkedHost, MAX_AGENTS } from "../swarm-file.ts";

/** Requests of one frame. */
export const MAX_REQUESTS = 10_000;
const MAX_EFFECTS = 10_000;
const MAX_DELAY_MS = 3_600_000;
const MAX_REASON_LENGTH = 200;
const MAX_PROBLEM_LENGTH = 2_000;
/** A request has few fields; the links of a large full mesh are the longest list there is. */
const MAX_LIST = 500_000;
const MAX_FIELDS = 64;
export const MAX_RECENT = 1_000_000;

const decoder = new Decoder({
  maxStrLength: CLIENT_FRAME_LIMIT_BYTES,
  maxBinLength: CLIENT_FRAME_LIMIT_BYTES,
  maxArrayLength: MAX_LIST,
  maxMapLength: MAX_FIELDS,
  maxExtLength: 0,
});

/** The requests that the world itself answers. */
export type WorldRequest = Extract<
  ClientRequest,
  { readonly op: "report" | "observe" | "setEffects" | "setRoster" | "answerRequest" | "stop" }
>;

/** A request as it came, split by who answers it. */
export type ReadRequest =
  | { readonly kind: "agent"; readonly request: ClientRequest }
  | { readonly kind: "world"; readonly request: WorldRequest }
  | { readonly kind: "bad"; readonly id: number; readonly message: string };

/**
 * The requests of one frame. What the agent answers is passed on as it came, with an id and an operation: the agent checks the rest.
 * @throws Error when the frame is no list of requests with an id each: nothing can be answered then
 */
export function readRequests(frame: Uint8Array): ReadRequest[] {
  const decoded = decoder.decode(frame);
  if (!Array.isArray(decoded)) throw new WrongShape("a client's frame must be a list of requests");
  if (decoded.length > MAX_REQUESTS) throw new WrongShape(`more than ${MAX_REQUESTS} requests in a frame`);
  return decoded.map((one) => readRequest(asFields(one, "request")));
}

function readRequest(fields: Fields): ReadRequest {
  const where = "request";
  const id = integer(fields, "id", where, 0, Number.MAX_SAFE_INTEGER);
  try {
    const op = text(fields, "op", where, 40);
    switch (op) {
      case "report":
        return {
          kind: "world",
          request: { id, op, state: (fields.state ?? false) !== false && flag(fields, "state", where) },
        };
      case "observe": {
        const recent = integer(fields, "recent", where, 0, MAX_RECENT);
        const reportEveryMs = number(fields, "reportEveryMs", where, 10, MAX_DELAY_MS);
        return { kind: "world", request: { id, op, recent, reportEveryMs, owner: flag(fields, "owner", where) } };
      }
      case "setEffects": {
        const effects = list(fields, "effects", where, MAX_EFFECTS).map((one, at) => readHeld(one, `effects[${at}]`));
        return { kind: "world", request: { id, op, effects } };
      }
      case "setRoster":
        return { kind: "world", request: { id, op, ...readRoster(fields, where) } };
      case "answerRequest":
        return { kind: "world", request: { id, op, ...readAnswer(fields, where) } };
      case "stop":
        return { kind: "world", request: { id, op, reason: text(fields, "reason", where, MAX_REASON_LENGTH) } };
      default:
        // Every other operation, known or not, is the agent's to judge.
        return { kind: "agent", request: withoutNulls(fields) as unknown as ClientRequest };
    }
  } catch (error) {
    if (error instanceof WrongShape) return { kind: "bad", id, message: error.message };
    throw error;
  }
}

/** MessagePack writes what is absent as nil. */
function readAnswer(fields: Fields, where: string): Omit<Extract<WorldRequest, { op: "answerRequest" }>, "id" | "op"> {
  const { swarm = null, problem = null, retryAfterMs = null } = fields;
  return {
    request: integer(fields, "request", where, 1, Number.MAX_SAFE_INTEGER),
    ...(swarm !== null && { swarm: text(fields, "swarm", where, CLIENT_FRAME_LIMIT_BYTES) }),
    ...(problem !== null && { problem: text(fields, "problem", where, MAX_PROBLEM_LENGTH) }),
    ...(retryAfterMs !== null && { retryAfterMs: number(fields, "retryAfterMs", where, 0, MAX_DELAY_MS) }),
  };
}

function readHeld(value: unknown, where: string): HeldEffect {
  const fields = asFields(value, where);
  return {
    id: text(fields, "id", where, 100),
    // MessagePack writes what is absent as nil.
    effect: checkedEffect(deeplyWithoutNulls(fields.effect, 0), `${where}.effect`),
    untilMs: fields.untilMs === null ? null : number(fields, "untilMs", where, 0, Number.MAX_SAFE_INTEGER),
  };
}

/** An effect is an object in an object in an object. */
const DEEPEST = 6;

function deeplyWithoutNulls(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || depth > DEEPEST) return value;
  if (Array.isArray(value)) return value.map((one) => deeplyWithoutNulls(one, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== null && one !== undefined)
      .map(([name, one]) => [name, deeplyWithoutNulls(one, depth + 1)]),
  );
}

function readRoster(
  fields: Fields,
  where: string,
): { readonly roster: readonly RosterEntry[]; readonly links: readonly RosterLink[] } {
  const roster = list(fields, "roster", where, MAX_AGENTS).map((value, at): RosterEntry => {
    const entry = asFields(value, `roster[${at}]`);
    return {
      id: text(entry, "id", `roster[${at}]`, 64),
      port: integer(entry, "port", `roster[${at}]`, 1, 65_535),
      ...(entry.host !== undefined &&
        entry.host !== null && { host: checkedHost(text(entry, "host", `roster[${at}]`, 64), `roster[${at}].host`) }),
      publicKey: text(entry, "publicKey", `roster[${at}]`, 400),
    };
  });
  const links = list(fields, "links", where, MAX_LIST).map((value, at): RosterLink => {
    const link = asFields(value, `links[${at}]`);
    return { a: text(link, "a", `links[${at}]`, 64), b: text(link, "b", `links[${at}]`, 64) };
  });
  return { roster, links };
}

/** MessagePack writes an absent value as nil; here it is absent again. */
function withoutNulls(fields: Fields): Fields {
  const kept = withoutNullFields(fields);
  for (const name of ["task", "proposal"]) {
    const inner = kept[name];
    if (typeof inner === "object" && !Array.isArray(inner) && !(inner instanceof Uint8Array))
      kept[name] = withoutNullFields(inner as Fields);
  }
  return kept;
}

function withoutNullFields(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}
