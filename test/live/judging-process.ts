// A process with a judge whose policy is a program, as an agent is one: asked about one proposal, it waits for the verdict until it is ended.
// node test/live/judging-process.ts FOLDER COMMAND ARGUMENT...

import { PolicyJudge } from "../../server/live/agent/judge.ts";
import { ProgramRunner } from "../../server/live/agent/program-runner.ts";
import { programPath } from "../../server/live/programs.ts";

const [folder = "", command = "", ...args] = process.argv.slice(2);
const judge = new PolicyJudge({
  policy: { kind: "command", command, args, timeoutMs: 60_000 },
  fitsPolicy: undefined,
  programs: new ProgramRunner({ wardenProgram: programPath("guardian"), note: (line) => console.error(line) }),
  place: { swarm: "s-judging", agent: "a1", incarnation: 1, folder },
  judged: (judgement) => console.log(JSON.stringify(judgement)),
});
judge.consider({ id: "p1", subject: "", body: "null", voters: ["a1"], threshold: 6700, timeoutMs: 60_000 });
