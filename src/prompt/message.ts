import { PromptError } from "./error.ts";
import { imageMark } from "./pieces.ts";
import type { PromptTemplate } from "./template.ts";

/** A part of what a person says: text, or a picture in whatever form the caller handles pictures. */
export type Part<Image> =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly image: Image };

/** One thing said. Only a user's message may hold pictures; a system message comes first or not at all. */
export interface Message<Image> {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly Part<Image>[];
}

/**
 * Messages written out by a template, and their pictures in reading order.
 * @param given pictures for `<image>` marks that stand in texts
 * @throws PromptError listing every problem: roles, order, pictures too few, too many or in the wrong place
 */
export function readMessages<Image>(
  messages: readonly Message<Image>[],
  template: PromptTemplate,
  given: readonly Image[],
): { text: string; images: Image[] } {
  const problems = problemsOf(messages);
  const said =
    messages[0]?.role === "system"
      ? messages
      : [{ role: "system", content: template.system } as const, ...messages];
  const lines: string[] = [];
  const images: Image[] = [];
  let marks = 0;
  for (const { role, content } of problems.length > 0 ? [] : said) {
    for (const part of partsOf(content)) {
      if (part.type === "image") images.push(part.image);
      else {
        const used = part.text.split(imageMark).length - 1;
        images.push(...given.slice(marks, marks + used));
        marks += used;
      }
      const line = part.type === "image" ? imageMark : part.text;
      if (role !== "system") lines.push(template[role] + line);
      else if (line !== "") lines.push(line);
    }
  }
  if (problems.length === 0 && marks !== given.length) {
    problems.push(`${given.length} pictures for the ${marks} ${imageMark} marks in their texts`);
  }
  if (problems.length > 0) {
    throw new PromptError(
      `messages: must be a conversation that ends with a user's message, with one picture for each ${imageMark} mark, got ${problems.join("; ")}`,
    );
  }
  return { text: [...lines, template.assistant].join("\n"), images };
}

/** Neighbouring texts in one, and pictures at the end before the text. */
function partsOf<Image>(content: Message<Image>["content"]): readonly Part<Image>[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  const parts: Part<Image>[] = [];
  for (const part of content) {
    const last = parts.at(-1);
    if (part.type === "text" && last?.type === "text") {
      parts[parts.length - 1] = { type: "text", text: `${last.text}\n${part.text}` };
    } else parts.push(part);
  }
  const lastText = parts.findLastIndex(({ type }) => type === "text");
  const trailing = parts.splice(lastText + 1);
  parts.splice(Math.max(0, lastText), 0, ...trailing);
  return parts;
}

function problemsOf<Image>(messages: readonly Message<Image>[]): string[] {
  if (messages.length === 0) return ["no message"];
  const problems = messages.flatMap((message, index) => messageProblems(message, index));
  if (messages.at(-1)?.role !== "user")
    problems.push(`a last message by ${JSON.stringify(messages.at(-1)?.role)}`);
  return problems;
}

function messageProblems<Image>({ role, content }: Message<Image>, index: number): string[] {
  const where = `message ${index}`;
  if (!["system", "user", "assistant"].includes(role)) return [`${where}: role ${JSON.stringify(role)}`];
  if (role === "system" && index > 0) return [`${where}: a system message that is not the first`];
  if (typeof content !== "string" && !Array.isArray(content))
    return [`${where}: content that is neither text nor parts`];
  if (content.length === 0 && role === "user") return [`${where}: no content`];
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
  return parts.flatMap((part, position) => {
    const problem = partProblem(part, role);
    return problem ? [`${where}, part ${position}: ${problem}`] : [];
  });
}

function partProblem(
  part: { type?: unknown; text?: unknown; image?: unknown },
  role: string,
): string | undefined {
  if (part.type !== "text" && part.type !== "image")
    return `type ${JSON.stringify(part.type)}, not "text" or "image"`;
  if (part.type === "text" && typeof part.text !== "string") return "a text part without text";
  if (part.type === "image" && part.image === undefined) return "an image part without image";
  const isPicture = part.type === "image" || String(part.text).includes(imageMark);
  return isPicture && role !== "user" ? `a picture in a message by "${role}"` : undefined;
}
