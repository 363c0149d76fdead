// `agent-mesh simulate FILE SEEDS` with agents that acknowledge before their disk does: for the test that a broken promise is told.

import { readArguments } from "../../../server/faces/cli/arguments.ts";
import { Output } from "../../../server/faces/cli/output.ts";
import { simulateCommand } from "../../../server/faces/cli/simulate.ts";
import { MUTATIONS } from "../../sim/mutations.ts";

const { words, flags } = readArguments(process.argv.slice(2));
const { createAgent } = MUTATIONS.ackBeforeDurable;
process.exitCode = await simulateCommand(words[0] ?? "", flags, new Output(flags.json), { createAgent });
