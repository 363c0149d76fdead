import * as vscode from "vscode";
import type { ProposalView } from "../../server/contract/proposals.ts";
import { DisposableList } from "../disposal.ts";
import type { Swarms } from "../swarms.ts";
import { KeyedNodes } from "./keyed-nodes.ts";
import { type Face, newestFirst, proposalFace, voteFace } from "./proposal-faces.ts";
import { Refresher } from "./refresher.ts";

export interface ProposalNode {
  readonly kind: "proposal";
  readonly swarm: string;
  readonly proposalId: string;
}
interface VoteNode {
  readonly kind: "vote";
  readonly swarm: string;
  readonly proposalId: string;
  readonly voter: string;
}
type Node = ProposalNode | VoteNode;

/** Proposals, newest first, each with its voters and what they said. */
export class ProposalsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #disposables = new DisposableList();
  readonly #swarms: Swarms;
  readonly #nodes = new KeyedNodes<ProposalNode>();
  readonly #changed = this.#disposables.add(new vscode.EventEmitter<ProposalNode[] | undefined>());
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(swarms: Swarms) {
    this.#swarms = swarms;
    const view = this.#disposables.add(
      vscode.window.createTreeView("agentMesh.proposals", { treeDataProvider: this, showCollapseAll: true }),
    );
    const refresher = this.#disposables.add(
      new Refresher(() => {
        const swarm = this.#swarms.current;
        const proposals = newestFirst(swarm?.proposals ?? []);
        const open = proposals.filter(({ state }) => state === "open").length;
        view.badge = open === 0 ? undefined : { value: open, tooltip: `${open} not decided yet` };
        const changed = this.#nodes.update(
          proposals.map((proposal) => ({
            key: `${swarm?.id}/${proposal.id}`,
            face: `${proposal.state} ${proposal.votes.length} ${JSON.stringify(proposal.spread)}`,
            make: (): ProposalNode => ({ kind: "proposal", swarm: swarm?.id ?? "", proposalId: proposal.id }),
          })),
        );
        if (changed === "all") this.#changed.fire(undefined);
        else if (changed.length > 0) this.#changed.fire([...changed]);
      }),
    );
    this.#disposables.add(swarms.onChanged(() => refresher.request()));
  }

  getChildren(node?: Node): Node[] {
    if (!node) return this.#nodes.nodes;
    if (node.kind === "vote") return [];
    const voters = this.#proposal(node)?.voters ?? [];
    return voters.map((voter): VoteNode => ({ ...node, kind: "vote", voter }));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const proposal = this.#proposal(node);
    if (!proposal) return new vscode.TreeItem(node.proposalId);
    const id = `${node.swarm}/${node.proposalId}`;
    if (node.kind === "vote") return itemOf(voteFace(proposal, node.voter), `${id}/${node.voter}`);
    const item = itemOf(proposalFace(proposal), id);
    item.collapsibleState = vscode.TreeItemCollapsibleState.Collapsed;
    return item;
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #proposal({ swarm, proposalId }: Node): ProposalView | undefined {
    return this.#swarms.get(swarm)?.proposals?.find(({ id }) => id === proposalId);
  }
}

function itemOf(face: Face, id: string): vscode.TreeItem {
  const item = new vscode.TreeItem(face.label);
  item.id = id;
  item.description = face.description;
  item.iconPath = new vscode.ThemeIcon(
    face.icon,
    face.colour === undefined ? undefined : new vscode.ThemeColor(face.colour),
  );
  item.contextValue = face.context;
  item.tooltip = face.tooltip;
  item.accessibilityInformation = { label: face.spoken };
  return item;
}
