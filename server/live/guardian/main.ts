/**
 * dist/guardian.cjs: small processes that see to it that nothing is left behind, told apart by their only argument.
 *   tasks    started by an agent with its first task: runs the tasks, and ends them when the agent is gone (tasks/warden.ts)
 *   pauses   started by a coordinator with its first pause: lets paused agents go on when the coordinator is gone (guardian/pauses.ts)
 */
import { runWarden } from "../tasks/warden.ts";
import { runPauses } from "./pauses.ts";

const mode = process.argv[2];
if (mode === "tasks") runWarden();
else if (mode === "pauses") runPauses();
else {
  console.error("guardian.cjs is started by agents (tasks) and coordinators (pauses), not by hand.");
  process.exitCode = 2;
}
