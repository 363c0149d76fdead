import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InvariantViolation, invariant, unreachable } from "../../server/core/invariant.ts";

describe("an invariant", () => {
  it("that holds passes; one that does not throws what was promised", () => {
    invariant(true, "the sky is up");
    assert.throws(
      () => invariant(false, "the sky is up"),
      (error) =>
        error instanceof InvariantViolation && error.name === "InvariantViolation" && error.message === "the sky is up",
    );
  });

  it("says what slipped through a closed union", () => {
    assert.throws(
      () => unreachable("surprise" as never, "message"),
      /^InvariantViolation: unexpected message: surprise$/,
    );
  });
});
