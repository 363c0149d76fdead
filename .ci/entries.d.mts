// What TypeScript sees of entries.mjs.

export const entries: readonly { readonly name: string; readonly source: string; readonly output: string }[];
