import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import type { Document } from "./document.ts";

/** What is wrong with the YAML blocks of a document, as whole mesh files or as sections of one that has a task, where there are any. */
export function refusedBlocks(document: Document): string[] {
  return document.blocks("yaml").flatMap((text) => {
    const mesh = /tasks:|consensus: gossip/.test(text) ? text : `${text}\ntasks: [{ id: x, run: [x] }]\n`;
    return parseMesh(mesh, "x.mesh.yaml").diagnostics.map(({ message }) => `${message}\n${text}`);
  });
}
