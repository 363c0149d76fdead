// What TypeScript sees of code-server.mjs.

export const codeServerVersion: string;
export function cacheDir(): string;
export function codeServerEntry(): string;
export function ensureCodeServer(): Promise<void>;
export function serverEnvironment(): Record<string, string | undefined>;
