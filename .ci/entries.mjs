// What the build makes: each bundle's name, the file it starts from, where it goes, and how it is bundled.

/** `import.meta` has no meaning in a CommonJS bundle; these stand in for what the sources ask of it. */
const commonJs = {
  format: "cjs",
  platform: "node",
  target: "node20",
  external: ["vscode", "bufferutil", "utf-8-validate"],
  define: {
    "import.meta.url": "__bundleUrl",
    "import.meta.filename": "__filename",
    "import.meta.dirname": "__dirname",
  },
  banner: { js: 'const __bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
};

const commonJsProgram = {
  ...commonJs,
  banner: { js: `#!/usr/bin/env node\n${commonJs.banner.js}` },
};

/** Each agent of a swarm is a process that keeps its program's text: without what only people read in it that is a third less. Names stay, for whoever reads a stack. */
const agentProgram = { ...commonJs, minifyWhitespace: true };

/** `require` is what bundled CommonJS packages use to reach Node's own modules. */
const library = {
  format: "esm",
  platform: "node",
  target: "node20",
  external: ["bufferutil", "utf-8-validate"],
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
};

const browser = {
  format: "iife",
  platform: "browser",
  target: "es2022",
  alwaysMinify: true,
  define: { "process.env.NODE_ENV": '"production"' },
};

/** Every bundle. `source` is relative to the repository, `output` to dist/. */
export const entries = [
  { name: "extension", source: "extension/main.ts", output: "extension.cjs", options: commonJs },
  { name: "coordinator", source: "server/faces/lsp/main.ts", output: "coordinator.cjs", options: commonJs },
  { name: "agent", source: "server/live/agent/main.ts", output: "agent.cjs", options: agentProgram },
  { name: "guardian", source: "server/live/guardian/main.ts", output: "guardian.cjs", options: commonJs },
  {
    name: "simulator",
    source: "server/coordinator/simulator/main.ts",
    output: "simulator.cjs",
    options: commonJs,
  },
  {
    name: "recordings",
    source: "server/coordinator/recordings/main.ts",
    output: "recordings.cjs",
    options: commonJs,
  },
  {
    name: "cli",
    source: "server/faces/cli/main.ts",
    output: "cli.cjs",
    options: commonJsProgram,
    executable: true,
  },
  { name: "peer", source: "server/peer/join-swarm.ts", output: "peer.js", options: library },
  { name: "client", source: "server/client/client.ts", output: "client.js", options: library },
  { name: "topology", source: "webview/topology/main.ts", output: "webview/topology.js", options: browser },
  { name: "rounds", source: "webview/rounds/main.ts", output: "webview/rounds.js", options: browser },
  { name: "metrics", source: "webview/metrics/main.ts", output: "webview/metrics.js", options: browser },
  {
    name: "layout-worker",
    source: "webview/topology/layout.worker.ts",
    output: "webview/layout.worker.js",
    options: browser,
  },
];

/** Files that are shipped as they are: [from node_modules/, to dist/]. */
export const copies = [
  ["@vscode/codicons/dist/codicon.css", "webview/codicon.css"],
  ["@vscode/codicons/dist/codicon.ttf", "webview/codicon.ttf"],
];
