import type { Command } from "commander";
import type { GenerationSettings } from "../generation/index.ts";
import { shippedModel } from "../hub/index.ts";
import { isGgufFile } from "../model-files/index.ts";
import type { ChatMessage, ChatSettings, Owl } from "../owl/index.ts";
import { pathKind } from "../platform/index.ts";
import type { ContentPart } from "../prompt/index.ts";
import { type Attachment, optionAttachment } from "./attachments.ts";
import { converse } from "./conversation.ts";
import { InterruptedError, UsageError } from "./failure.ts";
import { addGenerationOptions, generationSettings } from "./generation-options.ts";
import { interruptible } from "./interrupt.ts";
import {
  activationsOption,
  adapterOption,
  framesOption,
  kvCacheOption,
  type LoadingOptions,
  loadOwl,
} from "./load-owl.ts";
import { deviceOption, requireModel, threadsOption } from "./options.ts";

interface ChatOptions extends LoadingOptions {
  readonly system?: string;
  readonly templateVariables?: string;
}

/** @throws UsageError where the option is no JSON object */
function variablesOf(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  const must = '--template-variables: must be a JSON object such as {"enable_thinking": false}';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${must}, got ${text} (${error})`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new UsageError(`${must}, got ${text}`);
}

/** A user's message: pictures and videos in front of the text. */
function userMessage(question: string, attachments: readonly Attachment[]): ChatMessage {
  if (attachments.length === 0) return { role: "user", content: question };
  const media = attachments.map(
    ({ type, file }): ContentPart<string, string> =>
      type === "image" ? { type, image: file } : { type, video: file },
  );
  return { role: "user", content: [...media, { type: "text", text: question }] };
}

/** `[MODEL] [QUESTION]`: a lone argument is a model if it is owl-nano, a directory or written like a path. */
async function modelAndQuestion(words: readonly string[]): Promise<{ model: string; question?: string }> {
  if (words.length > 2) {
    throw new UsageError(`chat: at most MODEL and QUESTION, got ${words.length} words; quote the question`);
  }
  const [first, second] = words;
  if (first === undefined) return { model: shippedModel };
  if (second !== undefined) return { model: first, question: second };
  const isModel =
    first === shippedModel ||
    /^\S*[\\/]\S*$/.test(first) ||
    isGgufFile(first) ||
    (await pathKind(first)) === "directory";
  return isModel ? { model: first } : { model: shippedModel, question: first };
}

/**
 * Streams one answer to standard output. Prints whether it was cut, and the answer's notes (about a video, or a conversation that
 * is too long) if the answer before had other ones.
 *
 * @param shownNotes notes of the answer before; replaced by those of this one
 */
async function answer(
  owl: Owl,
  messages: readonly ChatMessage[],
  settings: Partial<GenerationSettings> & Pick<ChatSettings, "templateVariables">,
  { signal, shownNotes = new Set() }: { readonly signal: AbortSignal; readonly shownNotes?: Set<string> },
): Promise<string> {
  const reply = owl.chat(messages, { ...settings, signal });
  let text = "";
  try {
    for await (const piece of reply) {
      process.stdout.write(piece);
      text += piece;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  process.stdout.write("\n");
  if (signal.aborted) return text;
  const { ids, finishReason, notes = [] } = await reply.answer();
  // That an answer was cut is printed each time.
  for (const note of notes) {
    if (finishReason === "length" || !shownNotes.has(note)) process.stderr.write(`(${note})\n`);
  }
  shownNotes.clear();
  for (const note of notes) shownNotes.add(note);
  const most = settings.maxNewTokens ?? owl.defaults.maxNewTokens;
  // If it was cut because positions ran out, a note says so already.
  if (finishReason === "length" && ids.length === most) {
    process.stderr.write(`(cut after ${most} tokens; --max-new-tokens allows more)\n`);
  }
  return text;
}

async function chat(
  words: readonly string[],
  options: ChatOptions,
  named: readonly Attachment[],
): Promise<void> {
  const attachments: Attachment[] = [];
  for (const attachment of named) attachments.push(await optionAttachment(attachment));
  const { model, question } = await modelAndQuestion(words);
  const directory = await requireModel(
    model,
    "without MODEL the shipped owl answers; pictures are given by --image",
  );
  const { system } = options;
  const templateVariables = variablesOf(options.templateVariables);
  const owl = await loadOwl(directory, options);
  const start: ChatMessage[] = system === undefined ? [] : [{ role: "system", content: system }];
  const settings = { ...generationSettings(options), templateVariables };
  try {
    if (question === undefined) {
      const shownNotes = new Set<string>();
      await converse({
        attachments,
        userMessage,
        answer: (messages, signal) => answer(owl, [...start, ...messages], settings, { signal, shownNotes }),
      });
    } else {
      await interruptible(async (signal) => {
        await answer(owl, [...start, userMessage(question, attachments)], settings, { signal });
        if (signal.aborted) throw new InterruptedError("interrupted");
      });
    }
  } finally {
    await owl.close();
  }
}

export function define(command: Command): void {
  // One list for both options, because their order is the order in which the model sees what they name.
  const attachments: Attachment[] = [];
  const attach =
    (type: Attachment["type"]) =>
    (file: string): void => {
      attachments.push({ type, file });
    };
  command
    .usage("[options] [MODEL] [QUESTION]")
    .argument(
      "[words...]",
      "MODEL: a model directory, a GGUF file, a fetched repo (org/name), or owl-nano, which is shipped (the default); QUESTION: answered once (a conversation if absent)",
    )
    .option("--image <file>", "a picture; repeatable", attach("image"))
    .option("--video <file>", "a video (MP4 and WebM need ffmpeg) or animation; repeatable", attach("video"))
    .addOption(framesOption())
    .addOption(kvCacheOption())
    .addOption(activationsOption())
    .option("--system <sentence>", "system sentence, in place of the model's own")
    .option(
      "--template-variables <json>",
      'what the model\'s chat template is told beside the messages, such as {"enable_thinking": false}',
    )
    .addOption(adapterOption());
  addGenerationOptions(command)
    .addOption(deviceOption())
    .addOption(threadsOption())
    .addHelpText(
      "after",
      `
Examples:
  owl chat --image dog.png "what is this?"
  owl chat owl-nano                            a conversation; /image FILE adds a picture, /video FILE a video
  owl chat MODEL --image a.jpg --image b.jpg "what do the two have in common?"
  echo "what do cats eat?" | owl chat          one question per line; each sees those before it

Ctrl-C ends an answer early; at the prompt it leaves.`,
    )
    .action((words: readonly string[], options: ChatOptions) => chat(words, options, attachments));
}
