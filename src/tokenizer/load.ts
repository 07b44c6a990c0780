import { z } from "zod";
import { isGguf } from "../gguf/index.ts";
import { hubRepoOf, modelFiles } from "../model-files/index.ts";
import {
  decodeText,
  joinPath,
  pathKind,
  readBytes,
  readJson,
  writeFileAtomically,
} from "../platform/index.ts";
import { isTokenId, tokenId, withAddedTokens } from "./added-tokens.ts";
import { type TokenizerConfiguration, TokenizerError, type TokenizerJson } from "./format.ts";
import { readGgufTokenizer } from "./gguf-tokenizer.ts";
import { publishedTemplates, replacingTemplates } from "./published-templates.ts";
import { convertSentencePiece } from "./sentencepiece.ts";
import { type Tokenizer, tokenizerOf } from "./tokenizer.ts";

/**
 * The tokenizer of a model directory: `tokenizer.json`, or else a SentencePiece `tokenizer.model`, converted; special
 * tokens by `tokenizer_config.json`, or else `special_tokens_map.json`; tokens that `added_tokens.json` and
 * tokenizer_config.json's `added_tokens_decoder` add are in its vocabulary. Where no file says how conversations are written,
 * the `model_type` of config.json may. A GGUF file holds a tokenizer of its own.
 * @param settings keys that override those of the files
 * @throws TokenizerError where neither file is there or one cannot be used
 */
export async function loadTokenizer(
  directory: string,
  settings: TokenizerConfiguration = {},
): Promise<Tokenizer> {
  if (await isGguf(directory)) {
    const content = await readGgufTokenizer(directory);
    if (content !== undefined) return tokenizerOf(content.json, { ...content.configuration, ...settings });
    throw new TokenizerError(
      `${directory}: must hold a tokenizer, got a GGUF file without one; take the model as its publisher has it (safetensors and tokenizer.json)`,
    );
  }
  const configuration = {
    ...(await publishedTemplate(directory)),
    ...(await optionalJson(joinPath(directory, modelFiles.specialTokens))),
    ...(await optionalJson(joinPath(directory, modelFiles.tokenizerConfig))),
    ...(await templateFiles(directory)),
    ...(await templateByType(directory, replacingTemplates)),
    ...settings,
  };
  const added = await optionalJson(joinPath(directory, modelFiles.addedTokens));
  return tokenizerOf(
    withAddedTokens(await readTokenizerJson(directory), configuration, added),
    configuration,
  );
}

/** Writes `tokenizer.json` and `tokenizer_config.json` into a model directory. */
export async function saveTokenizer(tokenizer: Tokenizer, directory: string): Promise<void> {
  await writeFileAtomically(joinPath(directory, modelFiles.tokenizer), `${JSON.stringify(tokenizer.json)}\n`);
  const settings = JSON.stringify(tokenizer.configuration, null, 2);
  await writeFileAtomically(joinPath(directory, modelFiles.tokenizerConfig), `${settings}\n`);
}

/** How a tokenizer that is stored otherwise becomes one that is read here. */
const savedByTransformers = (directory: string): string =>
  `transformers writes tokenizer.json: \`AutoTokenizer.from_pretrained(${JSON.stringify(directory)}).save_pretrained(${JSON.stringify(directory)})\``;

async function readTokenizerJson(directory: string): Promise<TokenizerJson> {
  const jsonPath = joinPath(directory, modelFiles.tokenizer);
  if ((await pathKind(jsonPath)) === "file") return parseTokenizerJson(await readJson(jsonPath), jsonPath);
  const modelPath = joinPath(directory, modelFiles.sentencePiece);
  if ((await pathKind(modelPath)) === "file") {
    return convertSentencePiece(await readBytes(modelPath), modelPath);
  }
  const parts = ["vocab.json", "merges.txt"];
  const kinds = await Promise.all(parts.map((name) => pathKind(joinPath(directory, name))));
  const isInParts = kinds.every((kind) => kind === "file");
  throw new TokenizerError(withoutTokenizer(directory, "", isInParts ? parts : []));
}

/**
 * The error's words for a directory without a tokenizer; of one in the hub's cache, with the command that fetches what it lacks.
 *
 * @param parts the files of one in parts, which is not read
 */
export function withoutTokenizer(directory: string, purpose = "", parts: readonly string[] = []): string {
  const repo = hubRepoOf(directory);
  const got = parts.length === 0 ? "neither" : `${parts.join(" and ")} alone`;
  const next =
    repo === undefined || parts.length > 0
      ? savedByTransformers(directory)
      : `\`owl pull ${repo} --update\` fetches it if the repo has one`;
  return `${directory}: must hold tokenizer.json or tokenizer.model${purpose}, got ${got}; ${next}`;
}

/** The chat template of a kind of model whose published files have none, or another one, by its config.json; nothing of other kinds. */
export function publishedTemplate(directory: string): Promise<TokenizerConfiguration> {
  return templateByType(directory, { ...publishedTemplates, ...replacingTemplates });
}

async function templateByType(
  directory: string,
  templates: Readonly<Record<string, string>>,
): Promise<TokenizerConfiguration> {
  const path = joinPath(directory, modelFiles.config);
  if ((await pathKind(path)) !== "file") return {};
  const type = String(Object(await readJson(path)).model_type);
  return Object.hasOwn(templates, type) ? { chat_template: templates[type] } : {};
}

/** Chat templates in files of their own stand in the place of those of tokenizer_config.json. */
async function templateFiles(directory: string): Promise<TokenizerConfiguration> {
  const named = [
    ["default", modelFiles.chatTemplate],
    ["tool_use", modelFiles.toolTemplate],
  ] as const;
  const found: { readonly name: string; readonly template: string }[] = [];
  for (const [name, file] of named) {
    const path = joinPath(directory, file);
    if ((await pathKind(path)) === "missing") continue;
    found.push({ name, template: decodeText(await readBytes(path), path) });
  }
  if (found.length === 0) return {};
  const isAlone = found.length === 1 && found[0].name === "default";
  return { chat_template: isAlone ? found[0].template : found };
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

const pattern = z.union([z.object({ String: z.string() }), z.object({ Regex: z.string() })]);

/** One normalizer, pre-tokenizer, post-processor or decoder; the library silently ignores a missing or malformed pattern. */
const step = z.looseObject({
  type: z.string(),
  pattern: pattern.optional(),
  get normalizers() {
    return z.array(step).optional();
  },
  get pretokenizers() {
    return z.array(step).optional();
  },
  get decoders() {
    return z.array(step).optional();
  },
});

const MAX_DEPTH = 32;

/** Whether a Split or Replace has no pattern, or the nesting is too deep. */
function isUnsound(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return false;
  const needsPattern = "type" in value && (value.type === "Split" || value.type === "Replace");
  if (depth > MAX_DEPTH || (needsPattern && !("pattern" in value))) return true;
  return Object.values(value).some((item) => isUnsound(item, depth + 1));
}

const steps = step
  .nullable()
  .default(null)
  .refine((first) => !isUnsound(first), `Split and Replace must have a pattern; at most ${MAX_DEPTH} levels`);

// Of the large ones nothing is copied or described item by item: that would be most of a tokenizer's loading time.
function isVocabulary(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((id) => isTokenId(id));
}

function areMerges(value: unknown): boolean {
  const isPair = (merge: unknown): boolean =>
    Array.isArray(merge) && merge.length === 2 && merge.every((token) => typeof token === "string");
  const isText = (merge: unknown): boolean => typeof merge === "string";
  return Array.isArray(value) && (value.every(isText) || value.every(isPair));
}

const tokenizerJson = z.looseObject({
  added_tokens: z.array(
    z.looseObject({ id: tokenId, content: z.string(), special: z.boolean().default(false) }),
  ),
  normalizer: steps,
  pre_tokenizer: steps,
  post_processor: steps,
  decoder: steps,
  model: z.looseObject({
    type: z.literal("BPE").default("BPE"),
    vocab: z.custom<Record<string, number>>(isVocabulary, "must map tokens to ids"),
    unk_token: z.string().nullable().default(null),
    merges: z.custom(areMerges, "must be a list of pairs of tokens"),
  }),
});

/**
 * Checks the content of a tokenizer.json as far as it is read here.
 *
 * @throws TokenizerError naming everything that is wrong
 */
export function parseTokenizerJson(content: unknown, where: string = modelFiles.tokenizer): TokenizerJson {
  const { success, data, error } = tokenizerJson.safeParse(content);
  if (success) return data as unknown as TokenizerJson;
  const type: unknown = Object(Object(content).model).type;
  const next =
    type === undefined || type === "BPE"
      ? "Write it anew with transformers: `AutoTokenizer.from_pretrained(…).save_pretrained(…)`"
      : `No tokenizer of kind ${JSON.stringify(type)} is computed here: take a model whose tokenizer is BPE`;
  throw new TokenizerError(`${where}: must be a BPE tokenizer, got\n${z.prettifyError(error)}\n${next}`);
}
