// What TypeScript sees of lock.mjs.

export function withLock<T>(
  path: string,
  options: { deadlineMs: number; onWait?: (pid: number) => void },
  work: () => Promise<T> | T,
): Promise<T>;
