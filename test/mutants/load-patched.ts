import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { type Patch, patched } from "./mutant.ts";

/** From now on, in this thread, modules are loaded with these patches. @returns says which files have not been loaded yet. */
export function loadPatched(root: string, patches: readonly Patch[]): () => readonly string[] {
  const byUrl = new Map<string, Patch[]>();
  for (const patch of patches) {
    const url = pathToFileURL(`${root}/${patch.file}`).href;
    byUrl.set(url, [...(byUrl.get(url) ?? []), patch]);
  }
  const applied = new Set<string>();
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      const patches = byUrl.get(url);
      if (patches === undefined) return loaded;
      applied.add(url);
      const source =
        typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source as Uint8Array);
      return { ...loaded, source: patches.reduce(patched, source) };
    },
  });
  return () => [...byUrl.keys()].filter((url) => !applied.has(url));
}
