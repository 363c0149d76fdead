// What TypeScript sees of chromium.mjs.

export function ensureChromium(): Promise<string>;
