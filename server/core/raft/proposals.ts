import { type DroppedProposal, EntryKind } from "../consensus.ts";
import { MAX_COMMAND_BYTES, MAX_ITEMS } from "./limits.ts";
import { appendAsLeader } from "./replication.ts";
import type { RaftState } from "./state.ts";

/** The way of a command into the log: here if this agent leads, else through the leader it knows. */

export function propose(state: RaftState, commands: readonly Uint8Array[]): void {
  const { droppedProposals } = state.outbox;
  if (state.role === "leader") {
    for (const dropped of appendCommands(state, commands)) droppedProposals.push(dropped);
    return;
  }
  for (const command of commands) {
    const full = state.toForwardBytes + command.length > state.config.maxUncommittedBytes && state.toForwardBytes > 0;
    if (command.length > MAX_COMMAND_BYTES) droppedProposals.push({ command, reason: "tooLarge" });
    else if (state.leader === "") droppedProposals.push({ command, reason: "noLeader" });
    else if (full) droppedProposals.push({ command, reason: "tooManyUncommitted" });
    else {
      state.toForward.push(command);
      state.toForwardBytes += command.length;
    }
  }
}

/** Appends commands in order until the limit on uncommitted bytes is met. Returns those that were not taken. */
export function appendCommands(state: RaftState, commands: readonly Uint8Array[]): readonly DroppedProposal[] {
  const dropped: DroppedProposal[] = [];
  let full = false;
  for (const command of commands) {
    full ||= state.uncommittedBytes > 0 && state.uncommittedBytes + command.length > state.config.maxUncommittedBytes;
    if (command.length > MAX_COMMAND_BYTES) dropped.push({ command, reason: "tooLarge" });
    else if (state.transfer !== undefined) dropped.push({ command, reason: "transferring" });
    else if (full) dropped.push({ command, reason: "tooManyUncommitted" });
    else appendAsLeader(state, EntryKind.command, command);
  }
  return dropped;
}

/** At the end of a turn, when this agent may lead, follow another than before, or know no leader. */
export function settleForwards(state: RaftState): void {
  const commands = state.toForward;
  if (commands.length === 0) return;
  state.toForward = [];
  state.toForwardBytes = 0;
  if (state.role === "leader" || state.leader === "") {
    propose(state, commands);
    return;
  }
  for (const part of inParts(commands, state.config.maxAppendBytes))
    state.send(state.leader, { type: "forward", term: state.term, commands: part });
}

/** Splits so that each part stays within `maxBytes`, or is a single command, and within what a message may carry. */
function inParts(commands: readonly Uint8Array[], maxBytes: number): readonly (readonly Uint8Array[])[] {
  const parts: Uint8Array[][] = [];
  let part: Uint8Array[] = [];
  let bytes = 0;
  for (const command of commands) {
    if (part.length > 0 && (bytes + command.length > maxBytes || part.length === MAX_ITEMS)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(command);
    bytes += command.length;
  }
  parts.push(part);
  return parts;
}
