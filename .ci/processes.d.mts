// What TypeScript sees of processes.mjs.

export function processTree(pid: number): number[];
export function allProcesses(): number[];
export function commandLine(pid: number): string;
export function workingDirectory(pid: number): string;
export function endProcesses(pids: readonly number[], graceMs: number): Promise<void>;
export function waitForEnd(pids: readonly number[], deadlineMs: number): Promise<number[]>;
export function isAlive(pid: number): boolean;
