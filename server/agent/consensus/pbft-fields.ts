import type { Fields } from "../../contract/timeline.ts";
import { unreachable } from "../../core/invariant.ts";
import type { Batch, PbftMessage } from "../../core/pbft/types.ts";

/** A message's own fields as people see them: digests by their first bytes, batches by what is in them. */
export function pbftFields(message: PbftMessage): Fields {
  switch (message.type) {
    case "request": {
      const { origin, number, commands } = message.request;
      return { origin, number, commands: commands.length };
    }
    case "prePrepare": {
      const { view, seq, digest, batch } = message;
      return { view, seq, digest: short(digest), ...counts(batch) };
    }
    case "prepare":
    case "commit":
      return { view: message.view, seq: message.seq, digest: short(message.digest) };
    case "checkpoint":
      return { seq: message.seq, digest: short(message.digest) };
    case "viewChange": {
      const { view, replica, stable, prepared } = message.viewChange;
      return { view, replica, stable: stable.seq, prepared: prepared.length };
    }
    case "newView": {
      const { view, viewChanges, reproposals } = message;
      return { view, from: viewChanges.map(({ replica }) => replica), reproposed: reproposals.length };
    }
    case "status": {
      const { view, active, stable, executed, proposed, asks } = message;
      return { view, active, stable, executed, proposed, asks };
    }
    case "fetchBatch":
      return { seq: message.seq, digest: short(message.digest) };
    case "batch":
      return { seq: message.seq, ...counts(message.batch) };
    case "fetchViewChange":
      return { view: message.view, replica: message.replica };
    case "decided": {
      const { view, seq, digest, commits } = message.certificate;
      return { view, seq, digest: short(digest), commits: commits.map(({ replica }) => replica) };
    }
    case "fetchState":
      return { seq: message.seq, offset: message.offset };
    case "stateChunk": {
      const { certificate, totalBytes, offset, data } = message;
      return { seq: certificate.seq, totalBytes, offset, bytes: data.length };
    }
    case "read":
      return { number: message.number };
    case "readReply":
      return { number: message.number, prepared: message.prepared };
    default:
      return unreachable(message, "message");
  }
}

function counts({ requests }: Batch): Fields {
  let commands = 0;
  for (const request of requests) commands += request.commands.length;
  return { requests: requests.length, commands };
}

function short(digest: Uint8Array): string {
  let text = "";
  for (const byte of digest.subarray(0, 8)) text += byte.toString(16).padStart(2, "0");
  return text;
}
