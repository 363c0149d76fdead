import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { recordedEvents } from "../../live/recordings/events.ts";
import { chromeTracePieces } from "../../live/recordings/export/chrome-trace.ts";
import { shivizLines } from "../../live/recordings/export/shiviz.ts";
import { readRecordings } from "../../live/recordings/read.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import type { Output } from "./output.ts";
import { recordingOf } from "./replay.ts";

const FORMATS = ["shiviz", "chrome"] as const;
const WRITE_CHARACTERS = 64 * 1024;

/** `agent-mesh export RECORDING --format shiviz|chrome [--out FILE]`. @returns the exit code. @throws UsageError; RecordingProblem; ReplayDiverged */
export async function exportCommand({ words, flags }: Arguments, output: Output): Promise<number> {
  const path = recordingOf("export", words);
  const format = FORMATS.find((name) => name === flags.format);
  if (format === undefined)
    throw new UsageError(
      `export takes --format shiviz or --format chrome${flags.format === undefined ? "" : `, not "${flags.format}"`}.`,
    );
  const recorded = recordedEvents(readRecordings(path));
  for (const note of recorded.notes) output.note(note);
  const pieces = format === "chrome" ? chromeTracePieces(recorded) : lines(shivizLines(recorded.events));
  await writePieces(flags.out, pieces);
  if (flags.out !== undefined) {
    const { events, agents } = recorded;
    const told = { format, file: flags.out, events: events.length, agents };
    output.answer(told, () => `${events.length} events of ${agents.join(", ")} written to ${flags.out}.`);
  }
  return 0;
}

function* lines(of: Iterable<string>): IterableIterator<string> {
  for (const line of of) yield `${line}\n`;
}

async function writePieces(out: string | undefined, pieces: Iterable<string>): Promise<void> {
  if (out !== undefined) {
    await pipeline(Readable.from(gathered(pieces)), createWriteStream(out));
    return;
  }
  for (const text of gathered(pieces)) if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

/** In pieces that are worth a write each. */
function* gathered(pieces: Iterable<string>): IterableIterator<string> {
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length < WRITE_CHARACTERS) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}
