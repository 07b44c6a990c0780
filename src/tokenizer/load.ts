import { z } from "zod";
import { joinPath, pathKind, readBytes, readJson, writeFileAtomically } from "../platform/index.ts";
import type { TokenizerConfiguration, TokenizerJson } from "./format.ts";
import { TokenizerError } from "./format.ts";
import { convertSentencePiece } from "./sentencepiece.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { createTokenizer } from "./tokenizer.ts";

/**
 * The tokenizer of a model directory: `tokenizer.json`, or else a SentencePiece `tokenizer.model`, converted; special
 * tokens by `tokenizer_config.json`, or else `special_tokens_map.json`.
 * @throws TokenizerError where neither file is there or one cannot be used
 */
export async function loadTokenizer(directory: string): Promise<Tokenizer> {
  const configuration = {
    ...(await optionalJson(joinPath(directory, "special_tokens_map.json"))),
    ...(await optionalJson(joinPath(directory, "tokenizer_config.json"))),
  };
  return createTokenizer(await readTokenizerJson(directory), configuration);
}

/** Writes `tokenizer.json` and `tokenizer_config.json` into a model directory. */
export async function saveTokenizer(tokenizer: Tokenizer, directory: string): Promise<void> {
  await writeFileAtomically(joinPath(directory, "tokenizer.json"), `${JSON.stringify(tokenizer.json)}\n`);
  const settings = JSON.stringify(tokenizer.configuration, null, 2);
  await writeFileAtomically(joinPath(directory, "tokenizer_config.json"), `${settings}\n`);
}

async function readTokenizerJson(directory: string): Promise<TokenizerJson> {
  const jsonPath = joinPath(directory, "tokenizer.json");
  if ((await pathKind(jsonPath)) === "file") return parseTokenizerJson(await readJson(jsonPath), jsonPath);
  const modelPath = joinPath(directory, "tokenizer.model");
  if ((await pathKind(modelPath)) === "file") {
    return convertSentencePiece(await readBytes(modelPath), modelPath);
  }
  throw new TokenizerError(`${directory}: must hold tokenizer.json or tokenizer.model, got neither`);
}

async function optionalJson(path: string): Promise<TokenizerConfiguration> {
  if ((await pathKind(path)) === "missing") return {};
  const content = await readJson(path);
  if (isRecord(content)) return content;
  throw new TokenizerError(`${path}: must be a JSON object, got ${JSON.stringify(content).slice(0, 40)}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Ids are indices of a table: far more than any vocabulary has would be memory for nothing.
const tokenId = z
  .int()
  .nonnegative()
  .max(2 ** 22);

const decoder = z.looseObject({
  type: z.string(),
  get decoders() {
    return z.array(decoder).optional();
  },
});

const tokenizerJson = z.looseObject({
  added_tokens: z.array(
    z.looseObject({ id: tokenId, content: z.string(), special: z.boolean().default(false) }),
  ),
  normalizer: z.looseObject({}).nullable().default(null),
  pre_tokenizer: z.looseObject({}).nullable().default(null),
  post_processor: z.looseObject({}).nullable().default(null),
  decoder: decoder.nullable().default(null),
  model: z.looseObject({
    type: z.literal("BPE").default("BPE"),
    vocab: z.record(z.string(), tokenId),
    unk_token: z.string().nullable().default(null),
    merges: z.union([z.array(z.string()), z.array(z.tuple([z.string(), z.string()]))]),
  }),
});

/**
 * Checks the content of a tokenizer.json as far as it is read here.
 *
 * @throws TokenizerError naming everything that is wrong
 */
export function parseTokenizerJson(content: unknown, where = "tokenizer.json"): TokenizerJson {
  const { success, data, error } = tokenizerJson.safeParse(content);
  if (success) return data as unknown as TokenizerJson;
  throw new TokenizerError(`${where}: must be a BPE tokenizer, got\n${z.prettifyError(error)}`);
}
