import type { Witness } from "../server/sim/witness.ts";

/** What nobody looks at: neither hashed nor checked. */
export const NOBODY: Witness = {
  delivered() {},
  started() {},
  crashed() {},
  appended() {},
  durable() {},
  remembering() {},
  remembered() {},
  observed() {},
  turned() {},
  executing() {},
  failed(_agent, error) {
    throw error;
  },
};
