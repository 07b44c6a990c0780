import type { ChatMessage, ContentPart } from "../backends/backend.ts";
import type { Attachment, Turn, UserTurn } from "./conversation.ts";

/**
 * What a backend is asked, from the turns that lead to a question. Answers without a word (stopped at once, failed)
 * are left out; questions that then follow each other become one.
 *
 * @param read gives an attachment's bytes
 * @throws Error where the bytes of a file are gone
 */
export async function toMessages(
  turns: readonly Turn[],
  read: (attachment: Attachment) => Promise<Blob>,
): Promise<ChatMessage[]> {
  const messages: { role: ChatMessage["role"]; content: ContentPart[] }[] = [];
  for (const turn of turns) {
    const content = turn.role === "user" ? await userContent(turn, read) : answerContent(turn.text);
    if (content.length === 0) continue;
    const last = messages.at(-1);
    if (last?.role === turn.role) last.content.push(...content);
    else messages.push({ role: turn.role, content });
  }
  return messages;
}

const answerContent = (text: string): ContentPart[] => (text.trim() === "" ? [] : [{ type: "text", text }]);

async function userContent(
  { text, attachments }: UserTurn,
  read: (attachment: Attachment) => Promise<Blob>,
): Promise<ContentPart[]> {
  const files = attachments.map(
    async (attachment): Promise<ContentPart> => ({ type: attachment.kind, data: await read(attachment) }),
  );
  return [...(await Promise.all(files)), ...answerContent(text)];
}
