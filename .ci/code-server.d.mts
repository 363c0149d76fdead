// What TypeScript sees of code-server.mjs.

export const codeServerVersion: string;
export function cacheDir(): string;
export function codeServerCommand(home: string): [program: string, ...args: string[]];
export function serveArguments(port: number, reconnectionGraceS: number): string[];
export function ensureCodeServer(): Promise<void>;
export function serverEnvironment(): Record<string, string | undefined>;
