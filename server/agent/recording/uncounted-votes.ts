import { sameBytes } from "../../core/bytes.ts";
import { type Entry, EntryKind } from "../../core/consensus.ts";
import type { ProposalCommand, ProposalTable } from "../../core/proposals/types.ts";
import { encodeClockCommand, isOwnProposalCommand, readAgentCommand } from "../command.ts";

/**
 * The entries, with time alone in place of votes that did not count when they were applied: both change the state alike. So it can be told from them without the keys
 * that a signature was found wanting with.
 * @param proposals after the last of them
 */
export function withoutUncounted(entries: readonly Entry[], proposals: ProposalTable): readonly Entry[] {
  if (!entries.some(({ kind, data }) => kind === EntryKind.command && isOwnProposalCommand(data))) return entries;
  return entries.map((entry) => {
    if (entry.kind !== EntryKind.command || !isOwnProposalCommand(entry.data)) return entry;
    const command = readAgentCommand(entry.data);
    if (command?.type !== "proposal" || counted(command.proposal, proposals)) return entry;
    return { ...entry, data: encodeClockCommand() };
  });
}

function counted(command: ProposalCommand, proposals: ProposalTable): boolean {
  if (command.type !== "vote") return true;
  const { voter, choice, reason, signature } = command.vote;
  const votes = proposals.get(command.id)?.votes ?? [];
  return votes.some(
    (vote) =>
      vote.voter === voter && vote.choice === choice && vote.reason === reason && sameBytes(vote.signature, signature),
  );
}
