import type * as vscode from "vscode";
import type { CoordinatorNotifications } from "../server/contract/coordinator.ts";
import { DisposableList } from "./disposal.ts";

type Decided = CoordinatorNotifications["proposalDecided"];

/** Where decisions are heard of. */
export interface DecisionSource {
  on(name: "proposalDecided", listener: (decided: Decided) => void): vscode.Disposable;
}

/** Tells of each decision that this window asked for, once. What others propose is in the tree. */
export class Decisions implements vscode.Disposable {
  readonly #disposables = new DisposableList();
  readonly #expected = new Set<string>();

  constructor(source: DecisionSource, tell: (decided: Decided) => void) {
    this.#disposables.add(
      source.on("proposalDecided", (decided) => {
        if (this.#expected.delete(keyOf(decided.swarm, decided.proposal.id))) tell(decided);
      }),
    );
  }

  /** Before it is proposed: it may be decided before the answer is here. */
  expect(swarm: string, proposalId: string): void {
    this.#expected.add(keyOf(swarm, proposalId));
  }

  /** It was not proposed after all. */
  forget(swarm: string, proposalId: string): void {
    this.#expected.delete(keyOf(swarm, proposalId));
  }

  dispose(): void {
    this.#disposables.dispose();
  }
}

function keyOf(swarm: string, proposalId: string): string {
  return `${swarm}/${proposalId}`;
}
