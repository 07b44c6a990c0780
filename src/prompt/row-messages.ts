import { PromptError } from "./error.ts";
import type { ContentPart, Message } from "./message.ts";
import { cutAtMedia, isMediaPiece, textOf } from "./pieces.ts";
import type { PromptTemplate } from "./template.ts";

type Role = "user" | "assistant";
type Part = ContentPart<number, number>;

/**
 * A row's text as the messages that it writes out: the words in front of the first turn are the system's, lines that begin with
 * a role's mark are its turns, and a user's lines behind each other are one message. Pictures and videos are numbers, in order.
 *
 * @param text lines end with `\n`
 * @throws PromptError for a picture inside an answer
 */
export function rowMessages(
  text: string,
  { user, assistant }: PromptTemplate,
  where: string,
): Message<number, number>[] {
  const turns: { role: Role | "system"; lines: string[] }[] = [{ role: "system", lines: [] }];
  for (const line of text.split("\n")) {
    const role: Role | undefined = line.startsWith(assistant)
      ? "assistant"
      : line.startsWith(user)
        ? "user"
        : undefined;
    const mark = role === "assistant" ? assistant : role === "user" ? user : "";
    const last = turns[turns.length - 1];
    if (role === undefined || (role === "user" && last.role === "user"))
      last.lines.push(line.slice(mark.length));
    else turns.push({ role, lines: [line.slice(mark.length)] });
  }
  let count = 0;
  const partsOf = (lines: readonly string[]): Part[] =>
    cutAtMedia(lines.join("\n")).flatMap((piece, i, pieces): Part[] => {
      if (isMediaPiece(piece)) {
        return [
          piece.kind === "image" ? { type: "image", image: count++ } : { type: "video", video: count++ },
        ];
      }
      const words = withoutLineEnds(textOf(piece), i > 0, i < pieces.length - 1);
      return words === "" ? [] : [{ type: "text", text: words }];
    });
  const shownFirst: Part[] = [];
  return turns.flatMap(({ role, lines }): Message<number, number>[] => {
    const parts = partsOf(lines);
    const shown = parts.filter(({ type }) => type !== "text");
    const said = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
    if (role === "system") {
      shownFirst.push(...shown);
      return said === "" ? [] : [{ role, content: said }];
    }
    if (role === "assistant") {
      if (shown.length === 0) return [{ role, content: said }];
      throw new PromptError(
        `${where}: pictures must stand in "${user}" lines, got one in an answer. Move it before the question`,
      );
    }
    const all = [...shownFirst.splice(0), ...parts];
    return [{ role, content: all.some(({ type }) => type !== "text") ? all : said }];
  });
}

/** A text without the line ends and blanks between it and a picture. */
function withoutLineEnds(text: string, isBehind: boolean, isBefore: boolean): string {
  const behind = isBehind ? text.trimStart() : text;
  return isBefore ? behind.trimEnd() : behind;
}
