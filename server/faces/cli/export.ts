import { once } from "node:events";
import { recordedEvents } from "../../live/recordings/events.ts";
import { EXPORT_FORMATS, exportPieces, writeExport } from "../../live/recordings/export/write.ts";
import { readRecordings } from "../../live/recordings/read.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import type { Output } from "./output.ts";
import { recordingOf } from "./replay.ts";

/** `agent-mesh export RECORDING --format shiviz|chrome [--out FILE]`. @returns the exit code. @throws UsageError; RecordingProblem; ReplayDiverged */
export async function exportCommand({ words, flags }: Arguments, output: Output): Promise<number> {
  const path = recordingOf("export", words);
  const format = EXPORT_FORMATS.find((name) => name === flags.format);
  if (format === undefined)
    throw new UsageError(
      `export takes --format shiviz or --format chrome${flags.format === undefined ? "" : `, not "${flags.format}"`}.`,
    );
  const recorded = recordedEvents(readRecordings(path));
  for (const note of recorded.notes) output.note(note);
  if (flags.out === undefined) {
    for (const text of exportPieces(recorded, format))
      if (!process.stdout.write(text)) await once(process.stdout, "drain");
  } else {
    await writeExport(recorded, format, flags.out);
    const { events, agents } = recorded;
    const told = { format, file: flags.out, events: events.length, agents };
    output.answer(told, () => `${events.length} events of ${agents.join(", ")} written to ${flags.out}.`);
  }
  return 0;
}
