/** Keeps labels from covering each other: what is placed first keeps its place. */

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Boxes on a plane, found through a grid of cells. */
export class Placement {
  readonly #cellPx: number;
  readonly #cells = new Map<number, Box[]>();

  /** `cellPx`: about the size of a label. */
  constructor(cellPx = 48) {
    this.#cellPx = cellPx;
  }

  /** Takes the place if it is free. */
  take(box: Box): boolean {
    if (!this.isFree(box)) return false;
    this.block(box);
    return true;
  }

  isFree(box: Box): boolean {
    for (const cell of this.#cellsOf(box)) {
      for (const other of this.#cells.get(cell) ?? []) if (overlap(box, other)) return false;
    }
    return true;
  }

  /** Takes the place whether or not it is free. */
  block(box: Box): void {
    for (const cell of this.#cellsOf(box)) {
      const boxes = this.#cells.get(cell);
      if (boxes === undefined) this.#cells.set(cell, [box]);
      else boxes.push(box);
    }
  }

  *#cellsOf(box: Box): Iterable<number> {
    const left = Math.floor(box.x / this.#cellPx);
    const right = Math.floor((box.x + box.width) / this.#cellPx);
    const top = Math.floor(box.y / this.#cellPx);
    const bottom = Math.floor((box.y + box.height) / this.#cellPx);
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) yield row * 65_537 + column;
    }
  }
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
