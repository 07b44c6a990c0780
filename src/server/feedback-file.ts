import { tokensPerImage } from "../model/index.ts";
import {
  type AppendOnlyFile,
  fileName,
  joinPath,
  newDigest,
  openAppendOnlyFile,
  openFile,
  pathKind,
  writeFileAtomically,
} from "../platform/index.ts";
import { Semaphore } from "../primitives/index.ts";
import {
  chatTemplateOf,
  encodeTrainingSample,
  PromptError,
  type PromptTemplate,
  promptTemplate,
  systemPromptFor,
  truncateConversation,
} from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { ApiError } from "./errors.ts";
import { pictureKind, type ReadMessage } from "./media.ts";
import type { OpenModel } from "./models.ts";
import type { Feedback } from "./schema.ts";

/** A rated answer, as a row that `owl train` reads, with its rating. */
interface FeedbackRow {
  readonly image?: readonly string[];
  readonly video?: readonly string[];
  readonly text: string;
  readonly rating: Feedback["rating"];
  readonly note?: string;
  readonly model: string;
  readonly time: string;
  /** Why a row with thumbs up is not among those to train on. */
  readonly reason?: string;
}

type Judgement = Pick<Feedback, "answer" | "rating" | "note">;

const extensions: Readonly<Record<string, string>> = {
  JPEG: ".jpg",
  PNG: ".png",
  WebP: ".webp",
  GIF: ".gif",
  AVIF: ".avif",
};

/**
 * The files that feedback is written to. For `feedback.jsonl`: answers with thumbs up stand in it, one row a line, and
 * nothing else, so that it can be trained on as it is; answers with thumbs down or a flag stand in
 * `feedback.others.jsonl`; pictures lie in `feedback.pictures`, each once, under its checksum.
 */
export class FeedbackFile {
  readonly #path: string;
  readonly #writing = new Semaphore(1);
  readonly #files = new Map<string, AppendOnlyFile>();
  #left: number;

  /** @param bytes most that is written in all */
  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#left = bytes;
  }

  /**
   * Writes a row and the pictures and videos of its messages; returns when they have reached the disk. The row of a
   * conversation that no longer fits the model begins as late as the model's answer to it does.
   * @throws PromptError for messages that are no conversation, or a last one that is too long by itself
   */
  async write(messages: readonly ReadMessage[], model: OpenModel, given: Judgement): Promise<void> {
    const { tokenizer, config } = model.owl;
    const tilesOf = await model.owl.tilesOf(messages);
    const { text, media } = truncateConversation(messages, tokenizer, {
      ...rowTemplate(tokenizer),
      tokensPerImage: tokensPerImage(config),
      tilesOf,
      positions: config.language.maxPositions,
      maxNewTokens: 1,
    });
    return this.#writing.run(async () => {
      const image: string[] = [];
      const video: string[] = [];
      for (const medium of media) {
        if (medium.type === "image") image.push(await this.#store(medium.image));
        else video.push(await this.#store(medium.video));
      }
      const reason = given.rating === "up" ? untrainable(messages, text, given.answer, model.owl) : undefined;
      const isGood = given.rating === "up" && reason === undefined;
      await this.#append(isGood ? this.#path : this.#beside(".others.jsonl"), {
        ...(image.length > 0 && { image }),
        ...(video.length > 0 && { video }),
        text: text + given.answer,
        rating: given.rating,
        ...(typeof given.note === "string" && { note: given.note }),
        model: model.name,
        time: new Date().toISOString(),
        ...(reason !== undefined && { reason }),
      });
    });
  }

  async close(): Promise<void> {
    await this.#writing.run(async () => {
      for (const file of this.#files.values()) await file.close();
      this.#files.clear();
    });
  }

  #beside(ending: string): string {
    return this.#path.replace(/(\.jsonl?)?$/, ending);
  }

  /** Keeps a file under its checksum; its name as rows beside it write it. */
  async #store(bytes: Uint8Array): Promise<string> {
    const digest = newDigest("sha256");
    digest.update(bytes);
    const name = digest.hex() + (extensions[pictureKind(bytes) ?? ""] ?? ".video");
    const folder = this.#beside(".pictures");
    const path = joinPath(folder, name);
    if ((await pathKind(path)) === "missing") {
      this.#spend(bytes.byteLength);
      await writeFileAtomically(path, bytes);
    }
    return `${fileName(folder)}/${name}`;
  }

  /** Appends a whole line or nothing: a partial line is truncated again. */
  async #append(path: string, row: FeedbackRow): Promise<void> {
    const file = await this.#opened(path);
    const line = new TextEncoder().encode(`${JSON.stringify(row)}\n`);
    this.#spend(line.byteLength);
    const before = file.size;
    try {
      await file.append(line);
      await file.flush();
    } catch (error) {
      await file.truncate(before);
      throw error;
    }
  }

  /** The file at a path: a new one where the one that was written to has been moved or removed, as rotating logs does. */
  async #opened(path: string): Promise<AppendOnlyFile> {
    const known = this.#files.get(path);
    if (known !== undefined) {
      if (await known.isInPlace()) return known;
      this.#files.delete(path);
      await known.close();
    }
    const file = await openLines(path);
    this.#files.set(path, file);
    return file;
  }

  #spend(bytes: number): void {
    if (bytes > this.#left) {
      throw new ApiError(503, "this server has taken as much feedback as it may", { code: "feedback_full" });
    }
    this.#left -= bytes;
  }
}

/** Rows are lines with marks also where the model is asked by a chat template, which then writes the row when it is learned. */
function rowTemplate(tokenizer: Tokenizer): { readonly template?: PromptTemplate } {
  if (chatTemplateOf(tokenizer) === undefined) return {};
  return { template: { ...promptTemplate(tokenizer), system: systemPromptFor(tokenizer) } };
}

/** Opens a JSONL file for appending; a last line that a crash cut short gets its line end first. */
async function openLines(path: string): Promise<AppendOnlyFile> {
  const file = await openAppendOnlyFile(path);
  if (file.size === 0) return file;
  const reading = await openFile(path);
  const last = new Uint8Array(1);
  await reading.read(last, file.size - 1).finally(() => reading.close());
  if (last[0] !== 10) await file.append(Uint8Array.of(10));
  return file;
}

/** Why a conversation cannot be written as a training row without changing its meaning; undefined where it can. */
function untrainable(
  messages: readonly ReadMessage[],
  asked: string,
  answer: string,
  { tokenizer, config }: OpenModel["owl"],
): string | undefined {
  const { user, assistant } = promptTemplate(tokenizer);
  const texts = messages.flatMap(({ content }) =>
    typeof content === "string" ? [content] : content.map((part) => (part.type === "text" ? part.text : "")),
  );
  if ([...texts, answer].some((text) => text.includes(`\n${user}`) || text.includes(`\n${assistant}`))) {
    return `a line begins with "${user}" or "${assistant}", as if somebody else spoke`;
  }
  if ([...texts, answer].some((text) => /<image>|<\|video\|>/.test(text))) {
    return "a text has the mark of a picture, which rows mean";
  }
  const hasVideo = messages.some(
    ({ content }) => typeof content !== "string" && content.some(({ type }) => type === "video"),
  );
  if (hasVideo && !config.video) return "the model takes videos as numbered pictures only";
  try {
    encodeTrainingSample(asked + answer, tokenizer, { maxLength: Infinity, tokensPerImage: 1, where: "row" });
    return undefined;
  } catch (error) {
    if (error instanceof PromptError) return error.message;
    throw error;
  }
}
