interface Node<T> {
  readonly item: T;
  before: Node<T> | undefined;
  after: Node<T> | undefined;
}

/**
 * First in, first out; what lies anywhere in it can leave it, and is then not held any more. Each in constant time: an array's `shift` is not, nor is
 * the first of a Set whose first ones were deleted.
 */
export class Fifo<T> {
  readonly #nodes = new Map<T, Node<T>>();
  #first: Node<T> | undefined;
  #last: Node<T> | undefined;

  get size(): number {
    return this.#nodes.size;
  }

  /** An item that is in it stays where it is. */
  push(item: T): void {
    if (this.#nodes.has(item)) return;
    const node: Node<T> = { item, before: this.#last, after: undefined };
    if (this.#last === undefined) this.#first = node;
    else this.#last.after = node;
    this.#last = node;
    this.#nodes.set(item, node);
  }

  get head(): T | undefined {
    return this.#first?.item;
  }

  delete(item: T): void {
    const node = this.#nodes.get(item);
    if (node === undefined) return;
    this.#nodes.delete(item);
    if (node.before === undefined) this.#first = node.after;
    else node.before.after = node.after;
    if (node.after === undefined) this.#last = node.before;
    else node.after.before = node.before;
  }
}
