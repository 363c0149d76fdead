import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { WebviewKind } from "../../server/contract/webview.ts";

const TITLES: Readonly<Record<WebviewKind, string>> = {
  topology: "Topology",
  rounds: "Consensus Rounds",
  metrics: "Metrics",
};

export function pageTitle(kind: WebviewKind): string {
  return TITLES[kind];
}

/** Where a page's files are. */
export function pageRoot(context: vscode.ExtensionContext): vscode.Uri {
  return vscode.Uri.joinPath(context.extensionUri, "dist", "webview");
}

/**
 * The page of a view. Scripts run only with this page's nonce; nothing is loaded but the extension's own files, and no inline style. The worker comes from a blob made of
 * the extension's own file, as webviews require.
 * @param place a page in the side bar has the side bar's background
 */
export function pageHtml(
  context: vscode.ExtensionContext,
  webview: vscode.Webview,
  kind: WebviewKind,
  place: "sidebar" | "editor",
): string {
  const root = pageRoot(context);
  const file = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(root, name)).toString();
  const nonce = randomBytes(18).toString("base64");
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
    `img-src ${webview.cspSource} data:`,
    `connect-src ${webview.cspSource}`,
    "worker-src blob:",
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${file("codicon.css")}" id="vscode-codicon-stylesheet">
<link rel="stylesheet" href="${file(`${kind}.css`)}">
<title>${TITLES[kind]}</title>
</head>
<body data-view="${kind}" data-location="${place}" data-nonce="${nonce}" data-worker-uri="${file("layout.worker.js")}">
<script type="module" nonce="${nonce}" src="${file(`${kind}.js`)}"></script>
</body>
</html>`;
}
