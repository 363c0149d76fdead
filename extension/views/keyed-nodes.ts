/**
 * The nodes of a tree, the same object for the same thing as long as it is there. VS Code forgets what it knows of a node when its parent is refreshed, and a menu that is
 * just open then acts on nothing: so a tree is refreshed as a whole only when things came, went or moved, and otherwise node by node, where what is shown has changed.
 */
export class KeyedNodes<Node> {
  readonly #entries = new Map<string, { node: Node; face: string }>();
  #order = "";

  /**
   * @param things in the order shown; `face`: everything that is drawn of one, as a text.
   * @returns the nodes to refresh, or `all` of them.
   */
  update(
    things: readonly { readonly key: string; readonly face: string; readonly make: () => Node }[],
  ): readonly Node[] | "all" {
    const changed: Node[] = [];
    const keys = new Set<string>();
    for (const { key, face, make } of things) {
      keys.add(key);
      const entry = this.#entries.get(key);
      if (!entry) {
        this.#entries.set(key, { node: make(), face });
      } else if (entry.face !== face) {
        entry.face = face;
        changed.push(entry.node);
      }
    }
    for (const key of this.#entries.keys()) if (!keys.has(key)) this.#entries.delete(key);
    const order = things.map(({ key }) => key).join("\n");
    const moved = order !== this.#order;
    this.#order = order;
    return moved ? "all" : changed;
  }

  /** In the order of the last update. */
  get nodes(): Node[] {
    return this.#order === ""
      ? []
      : this.#order.split("\n").map((key) => (this.#entries.get(key) as { node: Node }).node);
  }
}
