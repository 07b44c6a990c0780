import { imageMark, videoMark } from "./pieces.ts";
import type { PromptTemplate } from "./template.ts";

/**
 * What stands in a conversation's text before anybody speaks: its system sentence, "" where there is none. Lines that
 * are only a picture's mark are no words.
 *
 * @returns undefined where nobody speaks
 */
export function firstWordsOf(text: string, { user, assistant }: PromptTemplate): string | undefined {
  const lines = text.split("\n");
  const begins = lines.findIndex((line) => line.startsWith(user) || line.startsWith(assistant));
  if (begins < 0) return undefined;
  return lines
    .slice(0, begins)
    .filter((line) => line !== imageMark && line !== videoMark)
    .join("\n");
}
