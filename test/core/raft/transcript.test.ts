import { describeTranscripts } from "../golden.ts";
import { Transcript } from "./transcript.ts";

describeTranscripts("Raft", new URL("transcripts/", import.meta.url), () => new Transcript(), {
  commands: "> voters a\n> time out a\n",
  prints: /a becamePreCandidate term=0/,
  changed: ["becamePreCandidate", "becameLeader"],
});
