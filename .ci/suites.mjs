// The test suites: which test files each one runs, which bundles those use, what must be installed, how long it may take, and in how many processes
// at a time (jobs; absent: one). Suites of different lanes run at the same time: those that mostly wait for the agents or the browsers that they start, and
// beside them, with less of a right to the processors (yields), those that compute.

const minuteMs = 60_000;
const servers = ["agent", "guardian", "simulator", "recordings", "coordinator", "cli", "client", "peer"];

const views = ["topology", "rounds", "metrics", "layout-worker"];

/** Every suite, in the order they run: fast ones first. */
export const suites = [
  {
    name: "fast",
    files: [
      "test/*.test.ts",
      "test/{core,agent,sim,mutants,meshfile,contract,client,extension,bench,ci,docs}/**/*.test.ts",
    ],
    bundles: [],
    deadlineMs: 30 * minuteMs,
    jobs: 2,
    lane: "computing",
    yields: true,
  },
  {
    name: "live",
    files: ["test/live/**/*.test.ts"],
    bundles: ["agent", "guardian"],
    deadlineMs: 15 * minuteMs,
    lane: "agents",
  },
  {
    name: "coordinator",
    files: ["test/coordinator/**/*.test.ts"],
    bundles: servers,
    deadlineMs: 15 * minuteMs,
    lane: "agents",
  },
  { name: "peer", files: ["test/peer/**/*.test.ts"], bundles: servers, deadlineMs: 15 * minuteMs, lane: "agents" },
  { name: "faces", files: ["test/faces/**/*.test.ts"], bundles: servers, deadlineMs: 15 * minuteMs, lane: "agents" },
  {
    name: "editor",
    files: ["test/editor/**/*.test.ts"],
    bundles: [],
    deadlineMs: 25 * minuteMs,
    lane: "browsers",
    needs: ["browser", "code-server"],
  },
  {
    name: "webview",
    lane: "browsers",
    files: ["test/webview/**/*.test.ts"],
    bundles: views,
    deadlineMs: 15 * minuteMs,
    jobs: 2,
    needs: ["browser"],
  },
];

/** The bundles that the suites start whose files one of these arguments to mocha may name; all, when none names a file. */
export function bundlesFor(mochaArguments) {
  const named = mochaArguments.map(withSlashes).filter((argument) => /(^|\/)test\/|\.test\.\w+$/.test(argument));
  const touched = named.length === 0 ? suites : suites.filter((suite) => named.some((name) => mayTouch(name, suite)));
  return [...new Set(touched.flatMap((suite) => suite.bundles))];
}

/** Whether a path or pattern may name a file of a suite: its folder under test/ is the suite's, or is a pattern. */
function mayTouch(argument, suite) {
  const [, inTest] = /(?:^|\/)test\/(.*)$/.exec(argument) ?? [];
  if (inTest === undefined) return false;
  const [area] = inTest.split("/");
  if (area.endsWith(".test.ts")) return suite.name === "fast";
  if (/[*?[{]/.test(area)) return true;
  return suite.files.some((pattern) => areasOf(pattern).includes(area));
}

function withSlashes(path) {
  return path.replaceAll("\\", "/");
}

function areasOf(pattern) {
  const folder = pattern.split("/")[1];
  return folder.startsWith("{") ? folder.slice(1, -1).split(",") : [folder];
}
