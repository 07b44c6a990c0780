import { BackendError, type ChatMessage, type ContentPart } from "../backends/backend.ts";
import { type Attachment, isRetryable, type Turn, type UserTurn } from "./conversation.ts";

/**
 * The messages to a backend, from the turns that lead to a question. Answers without a word (stopped at once, failed)
 * are left out; questions that then follow each other become one. A question that was refused, because of a broken
 * picture, say, is left out with its files: it would be refused again.
 *
 * @param read gives an attachment's bytes
 * @throws BackendError naming a file whose bytes are gone
 */
export async function toMessages(
  turns: readonly Turn[],
  read: (attachment: Attachment) => Promise<Blob>,
): Promise<ChatMessage[]> {
  const messages: { role: ChatMessage["role"]; content: ContentPart[] }[] = [];
  for (const [i, turn] of turns.entries()) {
    if (isRefused(turns[i + 1])) continue;
    const content = turn.role === "user" ? await userContent(turn, read) : answerContent(turn.text);
    if (content.length === 0) continue;
    const last = messages.at(-1);
    if (last?.role === turn.role) last.content.push(...content);
    else messages.push({ role: turn.role, content });
  }
  return messages;
}

const isRefused = (answer: Turn | undefined): boolean =>
  answer?.role === "assistant" && answer.state === "failed" && answer.text === "" && !isRetryable(answer);

const answerContent = (text: string): ContentPart[] => (text.trim() === "" ? [] : [{ type: "text", text }]);

async function userContent(
  { text, attachments }: UserTurn,
  read: (attachment: Attachment) => Promise<Blob>,
): Promise<ContentPart[]> {
  const files = attachments.map(
    async (attachment): Promise<ContentPart> => ({
      type: attachment.kind,
      data: await read(attachment).catch(() => {
        const { id, name } = attachment;
        throw new BackendError("refused", `"${name}" is no longer in this browser.`, { attachment: id });
      }),
      id: attachment.id,
    }),
  );
  return [...(await Promise.all(files)), ...answerContent(text)];
}
