// A VS Code server of a test's own: its own user data, extensions and copy of the folder, all in one temporary directory.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { codeServerCommand, ensureCodeServer, serveArguments, serverEnvironment } from "../../../.ci/code-server.mjs";
import {
  allProcesses,
  commandLine,
  endProcesses,
  isAlive,
  processTree,
  waitForEnd,
  workingDirectory,
} from "../../../.ci/processes.mjs";

const readyDeadlineMs = 30_000;
const installDeadlineMs = 60_000;
const endGraceMs = 3_000;
/** How long the extension host outlives its window; three hours unless said otherwise. */
const reconnectionGraceS = 5;

/** What is installed and shown, and whether workspaces are trusted without asking. */
export interface ServerOptions {
  /** The packaged extension. */
  readonly vsix: string;
  /** The folder to open; a copy of it is opened. */
  readonly folder: string;
  /** False starts in restricted mode, as for a folder whose authors are not trusted yet. */
  readonly trust: boolean;
  /** User settings. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A running VS Code server. */
export class CodeServer {
  /** The page's address. */
  readonly url: string;
  /** The copy of the folder that is open. */
  readonly folder: string;
  readonly #home: string;
  readonly #process: ChildProcess;

  constructor(url: string, folder: string, home: string, child: ChildProcess) {
    this.url = url;
    this.folder = folder;
    this.#home = home;
    this.#process = child;
  }

  /** The settings file of its user. */
  get settingsPath(): string {
    return settingsPath(this.#home);
  }

  /** Where it writes its logs, and those of extensions and their output channels. */
  get logsDir(): string {
    return join(this.#home, "user-data", "logs");
  }

  /** Where extensions are installed. */
  get extensionsDir(): string {
    return join(this.#home, "extensions");
  }

  /**
   * The processes that belong to it: those that it started, and those whose command line names its directory or
   * that work in it, even when the process that started them is gone.
   */
  processes(): number[] {
    const tree = this.#process.pid === undefined ? [] : processTree(this.#process.pid).filter(isAlive);
    const named = allProcesses().filter(
      (pid) => isAlive(pid) && (commandLine(pid).includes(this.#home) || workingDirectory(pid).startsWith(this.#home)),
    );
    return [...new Set([...tree, ...named])];
  }

  /** Its processes whose command line contains this text. */
  processesWith(text: string): number[] {
    return this.processes().filter((pid) => commandLine(pid).includes(text));
  }

  /** Ends every process that belongs to it and removes its directory. */
  async close(): Promise<void> {
    const pids = this.processes();
    await endProcesses(pids, endGraceMs);
    const left = await waitForEnd(pids, endGraceMs);
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
    if (left.length > 0) throw new Error(`These processes did not end: ${left.join(", ")}.`);
  }
}

/** Installs the extension, starts the server, and waits until it answers. */
export async function startServer(options: ServerOptions): Promise<CodeServer> {
  await ensureCodeServer();
  const home = mkdtempSync(join(tmpdir(), "agent-mesh-editor-"));
  try {
    const folder = join(home, "workspace", basename(options.folder));
    cpSync(options.folder, folder, { recursive: true });
    mkdirSync(join(home, "user-data", "User"), { recursive: true });
    writeFileSync(settingsPath(home), JSON.stringify(options.settings, undefined, 2));
    installCopy(await installedExtensions(options.vsix), join(home, "extensions"));
    const port = await freePort();
    const child = spawnServer(home, folder, port, options.trust);
    const server = new CodeServer(
      `http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`,
      folder,
      home,
      child,
    );
    try {
      await untilReady(port, child, home);
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

const installed = new Map<string, Promise<string>>();

/** Installs a packaged extension as a person does from the command line, once in this process: it takes seconds. @returns the folder of extensions */
function installedExtensions(vsix: string): Promise<string> {
  let extensions = installed.get(vsix);
  if (extensions === undefined) {
    extensions = installVsix(vsix);
    installed.set(vsix, extensions);
  }
  return extensions;
}

async function installVsix(vsix: string): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), "agent-mesh-vsix-"));
  process.once("exit", () => rmSync(home, { recursive: true, force: true }));
  const [program, ...args] = codeServerCommand(home);
  await promisify(execFile)(program, [...args, "--install-extension", vsix], {
    env: serverEnvironment(),
    timeout: installDeadlineMs,
    killSignal: "SIGKILL",
  });
  return join(home, "extensions");
}

/** Every editor has extensions of its own; the list of them names the folder that they are in. */
function installCopy(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
  const list = join(to, "extensions.json");
  writeFileSync(list, readFileSync(list, "utf8").replaceAll(from, to));
}

function spawnServer(home: string, folder: string, port: number, trust: boolean): ChildProcess {
  const log = openSync(logPath(home), "w");
  const [program, ...args] = codeServerCommand(home);
  args.push(...serveArguments(port, reconnectionGraceS), ...(trust ? ["--disable-workspace-trust"] : []), folder);
  // VS Code leaves its sockets behind; here they go with the rest.
  const env = { ...serverEnvironment(), XDG_RUNTIME_DIR: join(home, "run") };
  mkdirSync(env.XDG_RUNTIME_DIR, { mode: 0o700 });
  const child = spawn(program, args, { env, detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  return child;
}

async function untilReady(port: number, child: ChildProcess, home: string): Promise<void> {
  const giveUpAt = performance.now() + readyDeadlineMs;
  while (child.exitCode === null && performance.now() < giveUpAt) {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
    if (answer?.ok) return;
    await delay(100);
  }
  throw new Error(
    `code-server did not answer within ${readyDeadlineMs / 1000} s:\n${readFileSync(logPath(home), "utf8")}`,
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      if (address === null || typeof address === "string") throw new Error("A TCP server has a port.");
      probe.close(() => resolve(address.port));
    });
  });
}

function settingsPath(home: string): string {
  return join(home, "user-data", "User", "settings.json");
}

function logPath(home: string): string {
  return join(home, "code-server.log");
}
