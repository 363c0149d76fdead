import { describeTranscripts } from "../golden.ts";
import { Transcript } from "./transcript.ts";

describeTranscripts("gossip", new URL("transcripts/", import.meta.url), () => new Transcript(), {
  commands: "> members a b\n> propose a x\n",
  prints: /a issued fromSeq=0 toSeq=1/,
  changed: ["toSeq=1", "toSeq=2"],
});
