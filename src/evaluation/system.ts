import { completeSettings, type GenerationSettings } from "../generation/index.ts";
import { ggufParts, isGguf } from "../gguf/index.ts";
import { hyperOf, tokensPerImage } from "../model/index.ts";
import { isModelFile } from "../model-files/index.ts";
import type { ChatMessage, Owl } from "../owl/index.ts";
import { directoryEntries, fileName, joinPath, newDigest, openFile, pathKind } from "../platform/index.ts";
import { ContextLengthError, encodeConversation, markerIds } from "../prompt/index.ts";

/** The system under evaluation: a model here, or one behind an endpoint, with everything that its answers depend on. */
export interface EvaluatedSystem {
  /** `model_id` of its answers. */
  readonly name: string;
  /** How answers are made, without the seed. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Of sampled answers; null where the best token is taken each time. */
  readonly seed: number | null;
  /** SHA-256 of the model's files; null where they cannot be seen. */
  readonly checkpoint: string | null;
  /** All that is asked, as text, with `<image>` for each picture. */
  promptOf(conversation: readonly ChatMessage[]): string;
  /** Whether a conversation leaves room for an answer; absent where that is not known in advance. */
  hasRoomFor?(conversation: readonly ChatMessage[]): Promise<boolean>;
  /** Answers in the order of the conversations, which know nothing of each other. */
  answerAll(
    conversations: readonly (readonly ChatMessage[])[],
    signal?: AbortSignal,
  ): Promise<SystemAnswer[]>;
}

export interface SystemAnswer {
  readonly text: string;
  /** Why it ended, such as `end`, `stop`, or `length` where it was cut. */
  readonly finishReason: string;
}

/**
 * A model of a directory. Sampled answers have seed 0 where none is given, so that they can be reproduced.
 *
 * @param checkpoint from {@link checkpointDigest}
 */
export function modelSystem(
  owl: Owl,
  name: string,
  checkpoint: string,
  given: Partial<GenerationSettings> = {},
): EvaluatedSystem {
  const { seed = 0, ...settings } = completeSettings(given, owl.defaults);
  const { maxPositions } = owl.config.language;
  const most = maxPositions - Math.min(settings.maxNewTokens, Math.floor(maxPositions / 4));
  const isBeside = hyperOf(owl.config) !== undefined;
  const places = {
    tokensPerImage: tokensPerImage(owl.config),
    ...(isBeside && { marker: markerIds(owl.tokenizer) }),
  };
  const encoded = (conversation: readonly ChatMessage[], tilesOf?: Awaited<ReturnType<Owl["tilesOf"]>>) =>
    encodeConversation(conversation, owl.tokenizer, { ...places, tilesOf });
  return {
    name,
    settings: { ...settings },
    seed: settings.doSample ? seed : null,
    checkpoint,
    promptOf: (conversation) => encoded(conversation).text,
    hasRoomFor: async (conversation) => {
      // What is written of a picture beside the text is known when it is read.
      if (isBeside) return (await promptLength(owl, conversation)) <= most;
      const tilesOf = await owl.tilesOf(conversation);
      return encoded(conversation, tilesOf).ids.length <= most;
    },
    // A conversation that does not fit is an error: truncated questions would measure something else.
    answerAll: (conversations, signal) =>
      owl.chatAll(conversations, { ...settings, seed, signal, truncation: "disabled" }),
  };
}

/** Tokens of a prompt; infinitely many where the model has too few positions. */
async function promptLength(owl: Owl, conversation: readonly ChatMessage[]): Promise<number> {
  try {
    return (await owl.prompt(conversation)).ids.length;
  } catch (error) {
    if (error instanceof ContextLengthError) return Number.POSITIVE_INFINITY;
    throw error;
  }
}

const PIECE = 8 * 2 ** 20;
/**
 * The SHA-256 of a model: of the lines `checksum  name` of the weights, settings and tokenizer of its directory (`*.safetensors`,
 * `*.bin`, `*.json`, `*.jinja`, `*.model`), sorted by name, or of its GGUF file, or of all files of a GGUF that is split, or of an adapter's one
 * file. `sha256sum` on the same files gives the same lines.
 *
 * @param model its directory or its file
 */
export async function checkpointDigest(model: string): Promise<string> {
  const whole = newDigest("sha256");
  for (const path of await modelPaths(model)) {
    whole.update(new TextEncoder().encode(`${await fileDigest(path)}  ${fileName(path)}\n`));
  }
  return whole.hex();
}

/** The files that a model consists of, by name. */
async function modelPaths(model: string): Promise<string[]> {
  if (await isGguf(model)) return ggufParts(model);
  if ((await pathKind(model)) === "file") return [model];
  const paths: string[] = [];
  for (const name of await directoryEntries(model)) {
    const path = joinPath(model, name);
    if (isModelFile(name) && (await pathKind(path)) === "file") paths.push(path);
  }
  return paths;
}

/** The SHA-256 of a file, which may be of any size. */
async function fileDigest(path: string): Promise<string> {
  const digest = newDigest("sha256");
  const file = await openFile(path);
  try {
    for (let position = 0; position < file.size; position += PIECE) {
      const piece = new Uint8Array(Math.min(PIECE, file.size - position));
      await file.read(piece, position);
      digest.update(piece);
    }
  } finally {
    await file.close();
  }
  return digest.hex();
}
