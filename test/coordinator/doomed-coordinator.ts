// A coordinator that a test kills: starts a swarm from argv, injects faults, prints the swarm's view as one line, and lives on.

import type { FaultSpec } from "../../server/contract/faults.ts";
import { Coordinator } from "../../server/coordinator/coordinator.ts";

const [file = "", faults = "[]"] = process.argv.slice(2);
const coordinator = new Coordinator({ notify: () => {} });
const { id: swarm } = await coordinator.handle("initSwarm", { file, operation: "init" });
for (const fault of JSON.parse(faults) as FaultSpec[]) await coordinator.handle("injectFault", { swarm, fault });
process.stdout.write(`${JSON.stringify(await coordinator.handle("swarm", { swarm }))}\n`);
