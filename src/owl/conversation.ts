import { described } from "../platform/index.ts";
import { type Message, PromptError } from "../prompt/index.ts";
import type { ChatMessage } from "./chat.ts";

/** What an owl answers: a text or a message, which are a user's first, or all messages so far. */
export type Conversation = string | ChatMessage | readonly ChatMessage[];

/** Where other libraries' messages have their pictures: passed over, they would not be seen. */
const elsewhere = ["image", "images", "video", "videos", "attachments", "files", "parts"];

/**
 * A conversation as the list of its messages.
 *
 * @throws PromptError naming everything that is no message; what roles and parts may be is checked where they become a
 *   prompt
 */
export function messagesOf<Image, Video>(
  given: string | Message<Image, Video> | readonly Message<Image, Video>[],
): readonly Message<Image, Video>[] {
  if (typeof given === "string") return [{ role: "user", content: given }];
  if (typeof given !== "object" || given === null) {
    throw new PromptError(
      `messages: must be a text, a message or a list of messages, got ${described(given)}`,
    );
  }
  const messages = "length" in given ? given : [given];
  const problems = Array.from(messages).flatMap((message, i) => problemsOf(message, `message ${i}`));
  if (problems.length > 0) throw new PromptError(`messages: ${problems.join("; ")}`);
  return messages;
}

function problemsOf(message: unknown, where: string): string[] {
  if (typeof message !== "object" || message === null) {
    return [`${where} must be { role, content }, got ${described(message)}`];
  }
  const { role, content } = message as { readonly role?: unknown; readonly content?: unknown };
  const problems = elsewhere
    .filter((key) => key in message)
    .map((key) => `${where} has ${key}: pictures and videos are parts of content, { type: "image", image }`);
  if (typeof role !== "string") {
    problems.push(`${where} must have the role "system", "user" or "assistant", got ${described(role)}`);
  }
  if (Array.isArray(content)) {
    const wrong = content.filter((part) => typeof part !== "object" || part === null);
    if (wrong.length > 0)
      problems.push(`${where} must have parts that are objects, got ${described(wrong[0])}`);
  } else if (typeof content !== "string") {
    problems.push(`${where} must have content, a text or a list of parts, got ${described(content)}`);
  }
  return problems;
}
