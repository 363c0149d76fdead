/** Serves the built views the way the extension does: one page a view, the same content security policy, the same attributes. */
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import type { WebviewKind } from "../../../server/contract/webview.ts";

const DIST = join(import.meta.dirname, "..", "..", "..", "dist", "webview");
const NONCE = "harness";
const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".ttf": "font/ttf",
};

export interface PageServer {
  urlOf(view: WebviewKind): string;
  close(): Promise<void>;
}

export async function servePages(): Promise<PageServer> {
  const server = createServer((request, response) => {
    void answer(request.url ?? "/").then(({ status, type, body }) => {
      response.writeHead(status, { "content-type": type, "access-control-allow-origin": "*" });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { urlOf: (view) => `${origin}/${view}.html`, close: () => closed(server) };
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function answer(url: string): Promise<{ status: number; type: string; body: string | Buffer }> {
  const name = url.slice(1).split("?")[0] ?? "";
  const view = name.replace(/\.html$/, "");
  if (view === "topology" || view === "rounds" || view === "metrics") {
    return { status: 200, type: "text/html; charset=utf-8", body: html(view) };
  }
  if (name === "favicon.ico") return { status: 204, type: "image/x-icon", body: "" };
  const type = TYPES[extname(name)];
  if (type === undefined || !/^[\w.-]+$/.test(name)) return { status: 404, type: "text/plain", body: "not found" };
  try {
    return { status: 200, type, body: await readFile(join(DIST, name)) };
  } catch {
    return { status: 404, type: "text/plain", body: `dist/webview/${name} does not exist` };
  }
}

function html(view: WebviewKind): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${NONCE}'`,
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "worker-src blob:",
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Agent Mesh: ${view}</title>
  <link id="vscode-codicon-stylesheet" rel="stylesheet" href="codicon.css" nonce="${NONCE}">
  <link rel="stylesheet" href="${view}.css">
</head>
<body data-view="${view}" data-nonce="${NONCE}" data-worker-uri="layout.worker.js">
  <script nonce="${NONCE}" src="${view}.js"></script>
</body>
</html>`;
}
