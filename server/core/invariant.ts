/** Thrown when a core finds its own state contradictory. An agent that meets one stops at once: going on could only make it worse. */
export class InvariantViolation extends Error {
  override readonly name = "InvariantViolation";
}

/**
 * States an invariant and checks it, in production too.
 * @throws InvariantViolation naming what was promised.
 */
export function invariant(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new InvariantViolation(promise);
}

/** For the default branch of a switch over a closed union: a compile error if a case is missing, an InvariantViolation if one slips through. */
export function unreachable(value: never, what: string): never {
  throw new InvariantViolation(`unexpected ${what}: ${String(value)}`);
}
