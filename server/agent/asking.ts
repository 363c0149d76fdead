import type { ConsensusStatus } from "../core/consensus.ts";
import type { Membership } from "../core/membership/membership.ts";
import type { Clients } from "./clients.ts";
import type { AgentConsensus, ConsensusKind } from "./consensus/kind.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Duties } from "./duties.ts";
import type { Machine } from "./machine.ts";
import type { Side } from "./side.ts";

export interface AskingParts {
  readonly kind: ConsensusKind;
  readonly consensus: AgentConsensus;
  readonly machine: Machine;
  readonly membership: Membership;
  readonly clients: Clients;
  readonly duties: Duties;
  readonly dispatcher: Dispatcher;
  readonly side: Side;
  readonly status: () => ConsensusStatus;
  /** It leads, and knows all that earlier leaders decided. */
  readonly leads: () => boolean;
}

/**
 * What this agent asks of the consensus: its clients' writes and reads, what it owes the others itself, and what the leader owes the machine: as the leader, or in the place of one that does
 * not do it.
 */
export class Asking {
  readonly #parts: AskingParts;

  constructor(parts: AskingParts) {
    this.#parts = parts;
  }

  /** Proposals and questions would not be in vain. */
  get may(): boolean {
    return this.#parts.kind.keepsProposals || this.#parts.status().leader !== "";
  }

  /** Proposes and asks for barriers, if there is somebody to ask. @returns whether there was anything */
  ask(now: number): boolean {
    if (!this.may) return false;
    const { kind, consensus, clients, duties, dispatcher, side, leads } = this.#parts;
    const commands = clients.takeCommands(now);
    duties.takeCommands(commands, now);
    if (leads()) commands.push(...dispatcher.takeCommands(this.#sight, now));
    else if (kind.standsIn) commands.push(...dispatcher.takeOverdue(this.#sight, now));
    if (commands.length > 0) consensus.propose(commands, now);
    const readId = clients.takeBarrier(now);
    if (readId !== undefined) consensus.read(readId, now);
    const recoveryId = side.takeBarrier(now);
    if (recoveryId !== undefined) consensus.read(recoveryId, now);
    return commands.length > 0 || readId !== undefined || recoveryId !== undefined;
  }

  /** There is more than was asked for. */
  wants(now: number): boolean {
    return this.may && ((this.#parts.dispatcher.stale && this.#parts.leads()) || this.dueMs() <= now);
  }

  /** When there is something to propose or to ask for, ms, its own duties among it. Only of interest where it may. */
  dueMs(): number {
    const { kind, machine, clients, duties, dispatcher, leads } = this.#parts;
    const atMs = Math.min(clients.retryMs(), duties.deadline(true));
    if (leads()) return Math.min(atMs, dispatcher.deadline(machine));
    return kind.standsIn ? Math.min(atMs, dispatcher.overdueMs(machine)) : atMs;
  }

  get #sight(): { readonly machine: Machine; readonly membership: Membership; readonly status: ConsensusStatus } {
    const { machine, membership, status } = this.#parts;
    return { machine, membership, status: status() };
  }
}
