import type { Command } from "commander";
import { readModelConfig } from "../checkpoint/index.ts";
import { generationOf, type OwlConfig, tokensPerImage } from "../model/index.ts";
import { PromptError, pictureMarkOf, withPictureParts, writtenConversation } from "../prompt/index.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { UsageError } from "./failure.ts";
import { jsonLines } from "./json-lines.ts";
import { requireModel } from "./options.ts";

const shape = '{"messages": [{"role": …, "content": …}], "pictures": [[width, height], …]}';

/** What a line gives; a model whose code has one id for a whole picture gets that. */
function answer(config: OwlConfig, tokenizer: Tokenizer, line: string, where: string): object {
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch {
    throw new UsageError(`${where}: must be JSON, ${shape}, got ${line.slice(0, 60)}`);
  }
  const { messages, pictures } = Object(request) as Record<string, unknown>;
  if (!Array.isArray(messages)) throw new UsageError(`${where}: must be ${shape}, got ${line.slice(0, 60)}`);
  const read = withPictureParts(messages, pictureMarkOf(tokenizer));
  if (Array.isArray(pictures) && pictures.length !== read.pictures) {
    const places = `must have a place for each of the ${pictures.length} pictures, got ${read.pictures}`;
    return { error: `messages: ${places}` };
  }
  const { placeholder } = generationOf(config);
  const perImage = placeholder === undefined ? tokensPerImage(config) : 1;
  try {
    const { text, ids } = writtenConversation(read.messages, tokenizer, { tokensPerImage: perImage });
    return { text, ids: placeholder === undefined ? ids : ids.map((id) => (id < 0 ? placeholder : id)) };
  } catch (error) {
    if (error instanceof PromptError) return { error: error.message };
    throw error;
  }
}

async function run(model: string): Promise<void> {
  const directory = await requireModel(model, undefined, "base");
  const config = await readModelConfig(directory);
  const tokenizer = await loadTokenizer(directory);
  for await (const { line, where } of jsonLines()) {
    process.stdout.write(`${JSON.stringify(answer(config, tokenizer, line, where))}\n`);
  }
}

/** `owl probe prompt`: conversations as the model reads them. */
export function addProbePrompt(probe: Command): void {
  probe
    .command("prompt")
    .argument("<model>", "a model directory; its weights are not read")
    .description(
      `JSON lines ${shape} on standard input, with parts of type "image" or the model's mark in a text where pictures stand; {"text", "ids"} or {"error"} a line out`,
    )
    .action(run);
}
