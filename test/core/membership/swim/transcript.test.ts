import { describeTranscripts } from "../../golden.ts";
import { Transcript } from "./transcript.ts";

describeTranscripts("probing members", new URL("transcripts/", import.meta.url), () => new Transcript(), {
  commands: "> members a b\n> run 400\n",
  prints: /a>b ping a1/,
  changed: ["a>b ping a1", "a>b ping a2"],
});
