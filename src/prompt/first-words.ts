import { imageMark, videoMark } from "./pieces.ts";
import type { PromptTemplate } from "./template.ts";

/**
 * What stands in a conversation's text before anybody speaks: its system sentence, "" where there is none. Marks of
 * pictures and videos are no words.
 *
 * @returns undefined where nobody speaks
 */
export function firstWordsOf(text: string, { user, assistant }: PromptTemplate): string | undefined {
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
