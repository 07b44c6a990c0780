import { type RowText, textsOf } from "./message.ts";
import { imageMark, videoMark } from "./pieces.ts";
import type { PromptTemplate } from "./template.ts";

/**
 * The system prompt of a row: its system message, or of a written conversation the text in front of its first turn without
 * marks of pictures and videos; "" where there is none.
 *
 * @returns undefined where the text has no turn
 */
export function systemPromptOf(text: RowText, { user, assistant }: PromptTemplate): string | undefined {
  if (typeof text !== "string") return textsOf(text.filter(({ role }) => role === "system")).join("\n");
  const lines = text.split("\n");
  const begins = lines.findIndex((line) => line.startsWith(user) || line.startsWith(assistant));
  if (begins < 0) return undefined;
  return lines
    .slice(0, begins)
    .map((line) => ({ line, words: line.replaceAll(imageMark, "").replaceAll(videoMark, "") }))
    .filter(({ line, words }) => line === words || words.trim() !== "")
    .map(({ words }) => words)
    .join("\n");
}
