/** One size of `npm run bench -- scale`, in a process of its own: node --expose-gc bench/scale/trial.ts KIND SIZE [quick]. Its last line is the measurement as JSON. */
import { measureAgents } from "./agents2.ts";
import { checkRoom } from "./room.ts";
import { measureSwim } from "./swim-members.ts";

const [kind, size = "", quick] = process.argv.slice(2);
checkRoom(Number(size));
const measure = kind === "agents" ? measureAgents : measureSwim;
process.stdout.write(`${JSON.stringify(await measure(Number(size), quick === "quick"))}\n`);
