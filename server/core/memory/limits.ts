import { shownValue, textProblem } from "../text.ts";
import type { MemoryCommand } from "./types.ts";

/** Bytes of UTF-8. */
export const MAX_NAMESPACE_BYTES = 256;
/** Bytes of UTF-8. */
export const MAX_KEY_BYTES = 1024;
export const MAX_VALUE_BYTES = 1024 * 1024;
/** Bytes of UTF-8, of an element of a set. */
export const MAX_ELEMENT_BYTES = 256;
/** Beyond it an agent adds none: agents that know nothing of each other may do so all the same. */
export const MAX_ELEMENTS = 1024;
/** Of one increment, up or down. */
export const MAX_INCREMENT = 2 ** 31;
/** What was added in all to a counter, and what was taken away: beyond it an agent increments no more, so that totals stay exact. */
export const MAX_COUNTED = 2 ** 52;
/** Adds that one operation can take the place of. */
export const MAX_REPLACED = 1024;
/** Of the session that a write is of. Bytes of UTF-8. */
export const MAX_WRITER_BYTES = 128;
/** A hundred years: what is meant to live longer has no time to live. */
export const MAX_TTL_MS = 100 * 366 * 24 * 3600 * 1000;

/** A sentence that says which limit a command breaks and what to do, or undefined. What passes can be encoded, and what decodes passes. */
export function checkMemoryCommand(command: MemoryCommand): string | undefined {
  const problem =
    textProblem("the namespace", command.namespace, { maxBytes: MAX_NAMESPACE_BYTES, mayBeEmpty: false }) ??
    textProblem("the key", command.key, { maxBytes: MAX_KEY_BYTES, mayBeEmpty: false });
  if (problem !== undefined || command.type === "delete") return problem;
  if (command.type === "increment") return incrementProblem(command.by);
  if (command.type === "add" || command.type === "remove")
    return (
      textProblem("the element", command.element, { maxBytes: MAX_ELEMENT_BYTES, mayBeEmpty: false }) ??
      (command.replaces.length > MAX_REPLACED
        ? `the element has ${command.replaces.length} adds; one operation can take the place of ${MAX_REPLACED}`
        : undefined)
    );
  if (command.value.length > MAX_VALUE_BYTES)
    return `the value has ${command.value.length} bytes; at most ${MAX_VALUE_BYTES} are allowed: split it over several keys`;
  if (!isWholeNumber(command.ttlMs) || command.ttlMs > MAX_TTL_MS)
    return `the time to live is ${shownValue(command.ttlMs)} ms; give a whole number from 0 (never expires) to ${MAX_TTL_MS}`;
  if (command.type === "compareAndSet" && !isWholeNumber(command.expectedVersion))
    return `the expected version is ${shownValue(command.expectedVersion)}; give the version that was read, or 0 for "must be absent"`;
  return undefined;
}

function incrementProblem(by: number): string | undefined {
  if (Number.isSafeInteger(by) && by !== 0 && Math.abs(by) <= MAX_INCREMENT) return undefined;
  return `the increment is ${shownValue(by)}; give a whole number from -${MAX_INCREMENT} to ${MAX_INCREMENT} other than 0`;
}

function isWholeNumber(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
