// Opens VS Code on examples/ with the extension loaded: npm start -- [--port N] [--no-open] [--browser]
//
// Works on a machine with only git, Node and npm. Uses the desktop `code` where it is on the PATH, otherwise (or with
// --browser) a VS Code for the browser on a loopback port, which runs until Ctrl-C.

import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { cacheDir, codeServerCommand, ensureCodeServer, serveArguments, serverEnvironment } from "./code-server.mjs";
import { endTogether, findProgram, root, run, step } from "./command.mjs";
import { ensureInstalled } from "./install.mjs";
import { ensurePackage } from "./package.mjs";
import { endProcesses, processTree } from "./processes.mjs";
import { Refusal, runMain, say } from "./say.mjs";

const readyDeadlineMs = 60_000;
const endGraceMs = 5_000;
/** A page that is reloaded finds its extension host again; one that is closed for longer ends its swarms. */
const reconnectionGraceS = 30;
const installDeadlineMs = 120_000;
const examples = join(root, "examples");

/** What a VS Code that was opened to show one extension need not ask or tell. */
const settings = {
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "chat.commandCenter.enabled": false,
  "git.openRepositoryInParentFolders": "never",
};

async function main(args) {
  const options = parseOptions(args);
  endTogether();
  await ensureInstalled();
  const code = options.browser ? undefined : findProgram("code");
  return code === undefined ? openInBrowser(options) : openOnDesktop(code);
}

function parseOptions(args) {
  try {
    const { values } = parseArgs({
      args,
      options: { port: { type: "string" }, "no-open": { type: "boolean" }, browser: { type: "boolean" } },
    });
    const port = values.port === undefined ? 0 : Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw new Error(`--port must be 0 to 65535, not ${values.port}`);
    return {
      port,
      open: !values["no-open"] && process.env.CI === undefined,
      browser: values.browser ?? values.port !== undefined,
    };
  } catch (error) {
    throw new Refusal(`${error.message}.\nUsage: npm start -- [--port N] [--no-open] [--browser]`);
  }
}

async function openOnDesktop(code) {
  await build({ strict: true });
  const command = process.platform === "win32" ? ["cmd.exe", "/c", "code"] : [code];
  say("Opening VS Code on examples/ …");
  const result = await run([...command, `--extensionDevelopmentPath=${root}`, examples], {
    env: process.env,
    mayLeave: true,
  });
  if (result.code !== 0) {
    throw new Refusal(
      `${code} ended with exit code ${result.code}. To use VS Code in the browser instead: npm start -- --browser`,
    );
  }
  return 0;
}

async function openInBrowser({ port: wantedPort, open }) {
  const port = await freePort(wantedPort);
  await ensureCodeServer();
  const vsix = await ensurePackage();
  const home = join(cacheDir(), "start");
  await installExtension(vsix, home);
  writeSettings(join(home, "user-data", "User"));
  const log = join(root, "out", "logs", "code-server.log");
  const server = startServer(port, home, log);
  const ended = new Promise((resolve) => server.on("close", resolve));
  const interrupted = new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal).on(signal, resolve);
  });
  const url = `http://127.0.0.1:${port}/?folder=${encodeURIComponent(examples)}`;
  try {
    const ready = await Promise.race([untilReady(port), ended.then(() => false), interrupted.then(() => undefined)]);
    if (ready === false)
      throw new Refusal(`${endOf(log)}\n\ncode-server did not start. Everything it printed: ${log}.`);
    if (ready) {
      process.stdout.write(`\n  VS Code with Agent Mesh: ${url}\n  Ctrl-C ends it.\n\n`);
      if (open) openUrl(url);
      await Promise.race([ended, interrupted]);
    }
  } finally {
    say("Ending VS Code and everything under it …");
    await endProcesses(processTree(server.pid), endGraceMs);
  }
  return 0;
}

/** Resolves to the port asked for, or to one that is free when that is 0. */
function freePort(port) {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", (error) => {
      const why = error.code === "EADDRINUSE" ? "is in use" : `cannot be opened (${error.code})`;
      reject(new Refusal(`Port ${port} ${why}. Choose another one, or leave out --port to have a free one found.`));
    });
    probe.listen(port, "127.0.0.1", () => {
      const free = probe.address().port;
      probe.close(() => resolve(free));
    });
  });
}

/** Installs the packaged extension into a folder of our own, unless this very package is what it holds. */
async function installExtension(vsix, home) {
  const marker = join(home, "installed.txt");
  const { mtimeMs, size } = statSync(vsix);
  const stamp = `${mtimeMs} ${size}`;
  if (existsSync(marker) && readFileSync(marker, "utf8") === stamp) return;
  rmSync(join(home, "extensions"), { recursive: true, force: true });
  await step("Installing the extension", [...codeServerCommand(home), "--install-extension", vsix], {
    env: serverEnvironment(),
    log: join(root, "out", "logs", "install-extension.log"),
    deadlineMs: installDeadlineMs,
  });
  writeFileSync(marker, stamp);
}

/** Our settings are where a new user begins; what they change later stays. */
function writeSettings(directory) {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "settings.json");
  if (!existsSync(path)) writeFileSync(path, `${JSON.stringify(settings, undefined, 2)}\n`);
}

function startServer(port, home, log) {
  say("Starting VS Code …");
  const file = openSync(log, "w");
  const [program, ...args] = codeServerCommand(home);
  // Who starts this has run what is in this repository already: asking whether to trust its examples adds nothing.
  args.push("--disable-workspace-trust");
  const server = spawn(program, [...args, ...serveArguments(port, reconnectionGraceS), examples], {
    env: serverEnvironment(),
    detached: true,
    stdio: ["ignore", file, file],
  });
  closeSync(file);
  return server;
}

/** Resolves to true when the server answers. */
async function untilReady(port) {
  const giveUpAt = performance.now() + readyDeadlineMs;
  while (performance.now() < giveUpAt) {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
    if (answer?.ok) return true;
    await delay(100);
  }
  return false;
}

/** Opens a page in the person's browser where there is a way to; the URL is printed in any case. */
function openUrl(url) {
  const opener = process.platform === "darwin" ? "open" : findProgram("xdg-open");
  if (opener === undefined) return;
  const child = spawn(opener, [url], { detached: true, stdio: "ignore" });
  child.on("error", (error) => say(`The browser was not opened (${error.message}); open the address above yourself.`));
  child.unref();
}

function endOf(log) {
  return readFileSync(log, "utf8").trimEnd().split("\n").slice(-20).join("\n");
}

await runMain(main);
