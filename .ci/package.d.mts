// What TypeScript sees of package.mjs.

export function ensurePackage(): Promise<string>;
