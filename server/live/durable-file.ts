import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** For secrets: the owner alone. */
export const PRIVATE_MODE = 0o600;
export const PRIVATE_FOLDER_MODE = 0o700;
export const PUBLIC_MODE = 0o644;

/**
 * Replaces a file by other contents so that a crash leaves the old or the new, whole. The folder must exist.
 * @throws the file system's error
 */
export function replaceFile(path: string, contents: string, mode: number): void {
  const fresh = `${path}.${process.pid}.new`;
  try {
    const file = openSync(fresh, "w", mode);
    try {
      writeSync(file, contents);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/** Makes the names in a folder durable (a new file's name is lost otherwise, although its contents were synced). */
export function syncFolder(folder: string): void {
  // Windows opens no folders, and its file systems journal names by themselves.
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
