import type { Command } from "commander";
import { z } from "zod";
import { readModelConfig, readPreprocessing } from "../checkpoint/index.ts";
import { type Preprocessor, tileCount } from "../image/index.ts";
import { owlPreprocessor } from "../inference/index.ts";
import { generationOf, hyperOf, type OwlConfig, tokensPerImage } from "../model/index.ts";
import {
  PromptError,
  pictureMarkOf,
  withModelTemplate,
  withPictureParts,
  writtenConversation,
} from "../prompt/index.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { UsageError } from "./failure.ts";
import { jsonLines } from "./json-lines.ts";
import { requireModel } from "./options.ts";
import { besideTextAnswer } from "./probe-prompt-beside.ts";

const shape = '{"messages": [{"role": …, "content": …}], "pictures": [[width, height], …]}';

/** What of a model decides about prompts. */
export interface PromptModel {
  readonly config: OwlConfig;
  readonly tokenizer: Tokenizer;
  /** Undefined for a language model alone. */
  readonly preprocessor: Preprocessor | undefined;
}

/** How many tiles each picture has, where the model reads them in tiles. */
function tilesOf(
  pictures: unknown,
  { preprocessor }: PromptModel,
  where: string,
): readonly number[] | undefined {
  if (preprocessor?.grids === undefined) return undefined;
  const { data } = sizes.safeParse(pictures ?? []);
  if (data !== undefined) return data.map(([width, height]) => tileCount({ width, height }, preprocessor));
  const got = JSON.stringify(pictures).slice(0, 60);
  throw new UsageError(`${where}: pictures must be sizes, [[width, height], …], got ${got}`);
}

const side = z.number().int().positive();
const sizes = z.array(z.tuple([side, side]));

/** Whether a message is the answer that is asked for: the assistant's, without words. */
function isAskedFor(message: unknown): boolean {
  const { role, content } = Object(message) as { role?: unknown; content?: unknown };
  return role === "assistant" && (content === "" || content === null || content === undefined);
}

/** What a line gives; a model whose code has one id for a whole picture gets that. A last empty answer is what is asked for. */
export function promptAnswer(model: PromptModel, line: string, where: string): object {
  const { config, tokenizer } = model;
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch {
    throw new UsageError(`${where}: must be JSON, ${shape}, got ${line.slice(0, 60)}`);
  }
  const { messages: given, pictures, ...more } = Object(request) as Record<string, unknown>;
  if (!Array.isArray(given)) throw new UsageError(`${where}: must be ${shape}, got ${line.slice(0, 60)}`);
  const messages = isAskedFor(given.at(-1)) ? given.slice(0, -1) : given;
  if (hyperOf(config) !== undefined) {
    return besideTextAnswer(config, tokenizer, { messages, pictures, ...more });
  }
  const read = withPictureParts(messages, pictureMarkOf(tokenizer));
  const tiles = tilesOf(pictures, model, where);
  const shown = tiles?.length ?? (Array.isArray(pictures) ? pictures.length : read.pictures);
  if (shown !== read.pictures) {
    return {
      error: `messages: must have a place for each of the ${shown} pictures, got ${read.pictures}`,
    };
  }
  const { placeholder } = generationOf(config);
  const perImage = placeholder === undefined ? tokensPerImage(config) : 1;
  try {
    const { text, ids } = writtenConversation(read.messages, tokenizer, { tokensPerImage: perImage, tiles });
    return { text, ids: placeholder === undefined ? ids : ids.map((id) => (id < 0 ? placeholder : id)) };
  } catch (error) {
    if (error instanceof PromptError) return { error: error.message };
    throw error;
  }
}

async function run(model: string): Promise<void> {
  const directory = await requireModel(model, undefined, "base");
  const config = await readModelConfig(directory);
  const tokenizer = withModelTemplate(await loadTokenizer(directory), config);
  const { content, where: file } = await readPreprocessing(directory);
  const preprocessor = config.textOnly ? undefined : owlPreprocessor(config, content, file);
  for await (const { line, where } of jsonLines()) {
    process.stdout.write(
      `${JSON.stringify(promptAnswer({ config, tokenizer, preprocessor }, line, where))}\n`,
    );
  }
}

/** `owl probe prompt`: conversations as the model reads them. */
export function define(command: Command): void {
  command.argument("<model>", "a model directory; its weights are not read").action(run);
}
