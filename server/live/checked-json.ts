/** Reads values that came from outside (a file, a process, a client) field by field, naming what is wrong and where. */
export class WrongShape extends Error {
  override readonly name = "WrongShape";
}

export type Fields = Readonly<Record<string, unknown>>;

/** @throws WrongShape */
export function asFields(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(where, "an object", value);
  return value as Fields;
}

/** @throws WrongShape */
export function text(fields: Fields, name: string, where: string, maxLength = 4096): string {
  const value = fields[name];
  if (typeof value !== "string") throw wrong(`${where}.${name}`, "a text", value);
  if (value.length > maxLength) throw new WrongShape(`${where}.${name} is longer than ${maxLength} characters`);
  return value;
}

/** @throws WrongShape */
export function flag(fields: Fields, name: string, where: string): boolean {
  const value = fields[name];
  if (typeof value !== "boolean") throw wrong(`${where}.${name}`, "true or false", value);
  return value;
}

/** A finite number in [min, max]. @throws WrongShape */
export function number(fields: Fields, name: string, where: string, min: number, max: number): number {
  const value = fields[name];
  if (typeof value !== "number" || !(value >= min && value <= max))
    throw wrong(`${where}.${name}`, `a number from ${min} to ${max}`, value);
  return value;
}

/** An integer in [min, max]. @throws WrongShape */
export function integer(fields: Fields, name: string, where: string, min: number, max: number): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
    throw wrong(`${where}.${name}`, `a whole number from ${min} to ${max}`, value);
  return value as number;
}

/** @throws WrongShape */
export function list(fields: Fields, name: string, where: string, maxLength: number): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw wrong(`${where}.${name}`, "a list", value);
  if (value.length > maxLength) throw new WrongShape(`${where}.${name} has more than ${maxLength} elements`);
  return value;
}

/** One of some texts. @throws WrongShape */
export function oneOf<T extends string>(fields: Fields, name: string, where: string, allowed: readonly T[]): T {
  const value = fields[name];
  if (!allowed.includes(value as T)) throw wrong(`${where}.${name}`, `one of ${allowed.join(", ")}`, value);
  return value as T;
}

function wrong(where: string, expected: string, value: unknown): WrongShape {
  return new WrongShape(`${where} must be ${expected}, but is ${shown(value)}`);
}

/** Not what is inside a list or an object: it may be nested deeper than a stack reaches. */
function shown(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : String(value);
}
