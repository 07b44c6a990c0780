import { readText } from "../platform/index.ts";
import { imageMark, videoMark } from "../prompt/index.ts";
import { requireNone } from "./example.ts";

/**
 * The texts of a file, for a tokenizer to learn from: of `.jsonl` files the rows' `text`, cut at the marks of pictures
 * and videos; of any other file its lines.
 *
 * @throws DataError naming every line that is no row with a text; FileError
 */
export async function textsOf(path: string): Promise<string[]> {
  const lines = (await readText(path)).split(/\r?\n/);
  if (!/\.jsonl?$/i.test(path)) return lines.filter((line) => line.trim() !== "");
  const problems: string[] = [];
  const texts = lines.flatMap((line, i) => {
    if (line.trim() === "") return [];
    const text = textIn(line);
    if (text !== undefined) return text.split(imageMark).flatMap((part) => part.split(videoMark));
    problems.push(`line ${i + 1}: must be a JSON object with a "text", got ${line.slice(0, 40)}`);
    return [];
  });
  requireNone(path, problems);
  return texts;
}

function textIn(line: string): string | undefined {
  try {
    const { text }: { text?: unknown } = JSON.parse(line) ?? {};
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}
