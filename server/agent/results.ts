import { type ByteReader, type ByteWriter, MalformedBytes } from "../core/bytes.ts";
import { unreachable } from "../core/invariant.ts";
import type { MemoryResult } from "../core/memory/types.ts";
import type { ProposalResult } from "../core/proposals/types.ts";
import type { TaskResult } from "../core/tasks/types.ts";

/** What applying a client's write gave. */
export type MachineResult =
  | MemoryResult
  | TaskResult
  | ProposalResult
  /** The session, or this write's answer, was forgotten. */
  | { readonly type: "sessionExpired" };

/** Why the state machine said no. */
export type Refusal = Extract<MemoryResult | TaskResult | ProposalResult, { readonly type: "refused" }>["reason"];

const TYPES: readonly MachineResult["type"][] = [
  "written",
  "deleted",
  "conflict",
  "accepted",
  "refused",
  "sessionExpired",
  "proposed",
  "voted",
  "counted",
  "added",
  "removed",
];
const REFUSALS: readonly Refusal[] = [
  "unknownTask",
  "notPending",
  "staleToken",
  "finished",
  "idTaken",
  "ledgerFull",
  "wrongAgent",
  "unknownProposal",
  "proposalIdTaken",
  "tooManyProposals",
  "stranger",
  "votedAlready",
  "decided",
  "badSignature",
  "eventualOnly",
];

export function writeResult(writer: ByteWriter, result: MachineResult): void {
  writer.byte(TYPES.indexOf(result.type));
  switch (result.type) {
    case "written":
    case "conflict":
      writer.varint(result.version);
      break;
    case "deleted":
      writer.boolean(result.existed);
      break;
    case "accepted":
      writer.boolean(result.created);
      writer.varint(result.token);
      break;
    case "refused":
      writer.byte(REFUSALS.indexOf(result.reason));
      break;
    case "proposed":
      writer.boolean(result.created);
      break;
    case "counted":
      writer.boolean(result.total < 0);
      writer.varint(Math.abs(result.total));
      break;
    case "added":
      writer.boolean(result.created);
      break;
    case "removed":
      writer.boolean(result.existed);
      break;
    case "sessionExpired":
    case "voted":
      break;
    default:
      unreachable(result, "result");
  }
}

/** @throws MalformedBytes */
export function readResult(reader: ByteReader): MachineResult {
  const type = TYPES[reader.byte()];
  switch (type) {
    case "written":
    case "conflict":
      return { type, version: reader.varint() };
    case "deleted":
    case "removed":
      return { type, existed: reader.boolean() };
    case "added":
      return { type, created: reader.boolean() };
    case "counted": {
      const below = reader.boolean();
      const total = reader.varint();
      return { type, total: below ? -total : total };
    }
    case "accepted":
      return { type, created: reader.boolean(), token: reader.varint() };
    case "refused": {
      const reason = REFUSALS[reader.byte()];
      if (reason === undefined) throw new MalformedBytes("unknown refusal");
      return { type, reason };
    }
    case "proposed":
      return { type, created: reader.boolean() };
    case "sessionExpired":
    case "voted":
      return { type };
    default:
      throw new MalformedBytes("unknown result");
  }
}
