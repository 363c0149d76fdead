import { existsSync } from "node:fs";
import { join } from "node:path";

/** The bundles that run as processes, or threads, of their own. */
export type Program = "agent" | "guardian" | "simulator" | "recordings";

/** Where a program's bundle is: beside the bundle that this is part of, or in dist/ when the sources run as they are. */
export function programPath(program: Program): string {
  const file = `${program}.cjs`;
  const beside = join(import.meta.dirname, file);
  return existsSync(beside) ? beside : join(import.meta.dirname, "..", "..", "dist", file);
}

/** For a process that runs one of them with this same executable, which is Electron inside VS Code. */
export function programEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...process.env, ELECTRON_RUN_AS_NODE: "1" };
  // What a debugger puts there attaches itself to every Node process.
  delete environment.NODE_OPTIONS;
  return environment;
}
