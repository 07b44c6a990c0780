import { Template } from "@huggingface/jinja";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { encodeConversation, type Message, PromptError } from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { pictureToken } from "./chat-template.ts";
import type { WrittenTokenizer } from "./tokenizer-files.ts";

type Conversation = readonly Message<"picture">[];

const picture = { type: "image", image: "picture" } as const;
const text = (words: string) => ({ type: "text", text: words }) as const;

/** Conversations of every shape that a template tells apart. */
const conversations: Readonly<Record<string, Conversation>> = {
  "a question": [{ role: "user", content: "Hello there! What is 2 + 2?" }],
  "a picture and a question": [{ role: "user", content: [picture, text("what is this?")] }],
  "a question and a picture": [{ role: "user", content: [text("What is this?"), picture] }],
  "several turns": [
    { role: "user", content: [picture, text("what is this?")] },
    { role: "assistant", content: "It is a small owl." },
    { role: "user", content: "Why?\n\nSay it in one word." },
  ],
  "two pictures": [{ role: "user", content: [picture, picture, text("What differs?")] }],
  "words of a system": [
    { role: "system", content: "Answer in one word." },
    { role: "user", content: [picture, text("What color is it?")] },
  ],
};

/**
 * The conversations whose ids are others in the exported files than here, computed by the libraries that transformers.js is made
 * of. Those that the model's own template refuses are passed over.
 */
export function differingPrompts(
  tokenizer: Tokenizer,
  { json, configuration, pictureId }: WrittenTokenizer,
  positions: number,
): string[] {
  const library = new LibraryTokenizer(json, configuration);
  const { chat_template: given } = configuration;
  const source = typeof given === "string" ? given : defaultOf(given);
  const template = new Template(source);
  return Object.entries(conversations).flatMap(([name, conversation]) => {
    const expected = expectedIds(conversation, tokenizer, positions);
    if (expected === undefined) return [];
    const written = template.render({
      ...configuration,
      messages: conversation,
      tools: null,
      documents: null,
      add_generation_prompt: true,
    });
    const expanded = written.replace(pictureToken, pictureToken.repeat(positions));
    const { ids }: { ids: number[] } = library.encode(expanded, { add_special_tokens: false });
    const got = ids.map((id) => (id === pictureId ? -1 : id));
    return got.join() === expected.join() ? [] : [name];
  });
}

function defaultOf(templates: unknown): string {
  const found = (templates as { name: string; template: string }[]).find(({ name }) => name === "default");
  return found?.template ?? "";
}

function expectedIds(
  conversation: Conversation,
  tokenizer: Tokenizer,
  tokensPerImage: number,
): readonly number[] | undefined {
  try {
    return encodeConversation(conversation, tokenizer, { tokensPerImage }).ids;
  } catch (error) {
    if (error instanceof PromptError) return undefined;
    throw error;
  }
}
