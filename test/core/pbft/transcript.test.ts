import { describeTranscripts } from "../golden.ts";
import { Transcript } from "./transcript.ts";

describeTranscripts("PBFT", new URL("transcripts/", import.meta.url), () => new Transcript(), {
  commands: "> replicas a b c d\n> propose a x\n",
  prints: /a>\* prePrepare view=0 seq=1/,
  changed: ["seq=1", "seq=2"],
});
