import type { Mutant } from "./mutant.ts";

/** What stands on consensus: sessions, memory, leases and their fencing. */
export const STATE_MUTANTS: readonly Mutant[] = [
  {
    name: "apply a retried write again",
    bug: "sessions do not recognise what was applied before (thesis §6.3)",
    patches: [
      {
        file: "server/agent/sessions.ts",
        find: "if (known !== undefined) return known;",
        replace: 'if (known !== undefined && name === "") return known;',
      },
    ],
  },
  {
    name: "apply an entry twice",
    bug: "an entry that was given out is given out again",
    patches: [
      {
        file: "server/core/raft/raft.ts",
        find: "this.#givenOut = state.commit;",
        replace: "this.#givenOut = Math.max(0, state.commit - 1);",
      },
    ],
  },
  {
    name: "compare-and-set that does not compare",
    bug: "a write on a condition is made whatever the version",
    patches: [
      {
        file: "server/core/memory/memory.ts",
        find: "return version === command.expectedVersion ?",
        replace: "return version >= 0 ?",
      },
    ],
  },
  {
    name: "fencing token is not looked at",
    bug: "whoever held a lease once may record an outcome (Kleppmann 2016)",
    patches: [
      {
        file: "server/core/tasks/ledger.ts",
        find: `return task.state === "leased" && task.token === token;`,
        replace: `return task.state === "leased" && token > 0;`,
      },
    ],
  },
  {
    name: "outcome without a lease",
    bug: "an outcome is recorded of a holder whose lease is over",
    patches: [
      {
        file: "server/core/tasks/ledger.ts",
        find: "if (task === undefined || !holds(task, token)) {",
        replace: "if (task === undefined || token === 0) {",
      },
    ],
  },
  {
    name: "sessions not in the snapshot",
    bug: "whoever was restored from a snapshot does not know which writes were applied (thesis §6.3)",
    patches: [
      {
        file: "server/agent/sessions.ts",
        find: "const sessions = Array.from(this.#sessions, (",
        replace: "const sessions = Array.from(new Map<string, Session>(), (",
      },
    ],
  },
  {
    name: "machine time is each agent's own",
    bug: "a replica's state depends on more than the entries: here on how it was asked before",
    patches: [
      {
        file: "server/core/memory/memory.ts",
        find: "return item !== undefined && (item.expiresAtMs === 0 || item.expiresAtMs > timeMs) ? item : undefined;",
        replace:
          "if (item !== undefined) this.#size++;\n    if (item !== undefined && this.#size % 7 === 0) this.#remove(item);\n    return item;",
      },
    ],
  },
];
