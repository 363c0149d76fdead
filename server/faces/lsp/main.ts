/**
 * The language server: mesh files' diagnostics, completion and hover, and the coordinator's own requests as custom ones. One process an editor window, on stdin and
 * stdout. When the editor goes, however it goes, stdin ends: swarms that are not detached are stopped, then the process ends.
 */
import { fileURLToPath } from "node:url";
import { createProtocolConnection, StreamMessageReader, StreamMessageWriter } from "vscode-languageserver/node";
import { LanguageServer } from "./server.ts";

const connection = createProtocolConnection(
  new StreamMessageReader(process.stdin),
  new StreamMessageWriter(process.stdout),
);
const server = new LanguageServer(connection, (uri) => (uri.startsWith("file:") ? fileURLToPath(uri) : undefined));

let ending = false;
async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  try {
    await server.dispose();
  } catch (error) {
    // Processes that nothing ends: the editor shows stderr in the log of this server.
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
  process.exit(code);
}

process.stdin.once("end", () => void end(0));
process.stdin.once("close", () => void end(0));
process.once("SIGTERM", () => void end(0));
process.once("SIGINT", () => void end(0));
// The editor may be gone while something is still being said to it.
process.stdout.on("error", () => void end(0));
process.stderr.on("error", () => void end(0));
connection.onClose(() => void end(0));
server.onExit((code) => void end(code));
connection.listen();
