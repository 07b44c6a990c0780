import {
  architectures,
  type GgufHeader,
  ggufParts,
  readGgufHeader,
  sentencePieceIds,
  sentencePieceModel,
} from "../gguf/index.ts";
import { openFile } from "../platform/index.ts";
import {
  type AddedToken,
  sentencePieceJson,
  spaceMark,
  type TokenizerConfiguration,
  TokenizerError,
  type TokenizerJson,
} from "./format.ts";
import { ggufWords } from "./gguf-words.ts";
import { mergesInOrder } from "./sentencepiece.ts";
import { tokenKinds as kinds } from "./token-kinds.ts";

/** What `tokenizer.json` and `tokenizer_config.json` would hold. */
export interface TokenizerContent {
  readonly json: TokenizerJson;
  readonly configuration: TokenizerConfiguration;
}

/** The vocabulary of a file. */
interface Vocabulary {
  readonly architecture: string;
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly scores: readonly number[] | undefined;
  readonly merges: readonly string[] | undefined;
  readonly pre: string | undefined;
  readonly addsSpace: boolean;
  readonly unknownId: number | undefined;
}

type Report = (key: string, problem: string) => void;

/**
 * The tokenizer that a GGUF file holds, as the files that it would have beside a model: `llama` (SentencePiece) and
 * `gpt2` (byte-level BPE), its special and added tokens, and its chat templates.
 *
 * @param model the file; of a model in several any of them, the first of which has the tokenizer
 * @returns undefined where it holds none
 * @throws TokenizerError naming everything in it that is not computed
 */
export async function readGgufTokenizer(model: string): Promise<TokenizerContent | undefined> {
  const [path] = ggufParts(model);
  const file = await openFile(path);
  try {
    const reading = await readGgufHeader(file);
    if ("problems" in reading) throw refusal(path, reading.problems);
    return tokenizerOfHeader(reading.header, path);
  } finally {
    await file.close();
  }
}

function refusal(path: string, problems: readonly string[]): TokenizerError {
  return new TokenizerError(
    `${path}: must be a GGUF file with a tokenizer that is computed here, got\n${problems.map((one) => `  - ${one}`).join("\n")}\nTake the model as its publisher has it (safetensors and tokenizer.json)`,
  );
}

/** `tokenizer.ggml.model` of a file without a tokenizer. */
const noTokenizer: readonly unknown[] = [undefined, "none", "no_vocab"];

function tokenizerOfHeader(header: GgufHeader, path: string): TokenizerContent | undefined {
  if (noTokenizer.includes(header.metadata.get("tokenizer.ggml.model"))) return undefined;
  const problems: string[] = [];
  const report: Report = (key, problem) => problems.push(`${key}: ${problem}`);
  const model = header.metadata.text("tokenizer.ggml.model", report);
  const vocabulary = vocabularyOf(header, report);
  const make = Object.hasOwn(kindsOfModels, model ?? "") ? kindsOfModels[model ?? ""] : undefined;
  if (make === undefined) {
    report("tokenizer.ggml.model", `must be llama or gpt2, got ${JSON.stringify(model ?? null)}`);
  }
  const json = make?.(vocabulary, report);
  const configuration = configurationOf(header, vocabulary, make === sentencePiece, report);
  if (json === undefined || problems.length > 0) throw refusal(path, problems);
  return { json, configuration };
}

function vocabularyOf({ metadata }: GgufHeader, report: Report): Vocabulary {
  const key = (name: string): string => `tokenizer.ggml.${name}`;
  const tokens = metadata.texts(key("tokens"), report) ?? [];
  const types = metadata.numbers(key("token_type"), report) ?? tokens.map(() => kinds.normal);
  const scores = metadata.numbers(key("scores"), report);
  if (tokens.length === 0) report(key("tokens"), "must be there, got none");
  if (new Set(tokens).size !== tokens.length) report(key("tokens"), "must be different, got one twice");
  for (const [name, list] of Object.entries({ token_type: types, scores })) {
    if (list === undefined || list.length === tokens.length) continue;
    report(key(name), `must be one for each of the ${tokens.length} tokens, got ${list.length}`);
  }
  if (metadata.flag(key("remove_extra_whitespaces"), report)) {
    report(key("remove_extra_whitespaces"), "must be false or absent, got true");
  }
  return {
    architecture: metadata.text("general.architecture", report) ?? "",
    tokens,
    types,
    scores,
    merges: metadata.texts(key("merges"), report),
    pre: metadata.text(key("pre"), report),
    addsSpace: metadata.flag(key("add_space_prefix"), report) ?? true,
    unknownId: metadata.number(key("unknown_token_id"), report),
  };
}

const plainToken = { single_word: false, lstrip: false, rstrip: false, normalized: false } as const;

/** Tokens that are found in a text as they are written: control tokens, and those that a user defined. */
function addedTokens({ tokens, types }: Vocabulary, strips: (content: string) => boolean): AddedToken[] {
  return [...tokens.keys()]
    .filter((id) => types[id] === kinds.control || types[id] === kinds.userDefined)
    .map((id) => ({
      ...plainToken,
      id,
      content: tokens[id],
      rstrip: strips(tokens[id]),
      special: types[id] === kinds.control,
    }));
}

/** Where special tokens take the space behind them along (Phi-3), these do not. */
const keepsSpace: readonly string[] = ["<unk>", "<s>", "<|endoftext|>"];

function sentencePiece(given: Vocabulary, report: Report): TokenizerJson | undefined {
  const { architecture, scores, types, addsSpace } = given;
  const isGemma = architecture.startsWith("gemma");
  if (scores === undefined) {
    report("tokenizer.ggml.scores", "must be there for a tokenizer of the kind llama, got none");
    return undefined;
  }
  const vocabulary = isGemma ? gemmaSpelling(given) : given;
  const { tokens } = vocabulary;
  const unknown = given.unknownId ?? Math.max(0, types.indexOf(kinds.unknown));
  const normal = [...tokens.keys()].filter((id) => vocabulary.types[id] === kinds.normal);
  const merges = isGemma ? gemmaMerges(tokens, normal) : mergesInOrder(byScore(normal, scores, tokens));
  const json = sentencePieceJson(tokens, merges, [unknown], unknown);
  const { tokensTakeSpace = false } = architectures[architecture] ?? {};
  const strips = (content: string): boolean => tokensTakeSpace && !keepsSpace.includes(content);
  const added = addedTokens(vocabulary, strips).filter(({ id }) => id !== unknown);
  json.added_tokens = [...json.added_tokens, ...added].sort((a, b) => a.id - b.id);
  if (!addsSpace) {
    json.normalizer = { type: "Replace", pattern: { String: " " }, content: spaceMark };
    json.decoder = {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: spaceMark }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
      ],
    };
  }
  return json;
}

function byScore(ids: readonly number[], scores: readonly number[], tokens: readonly string[]): string[] {
  return ids.toSorted((a, b) => scores[b] - scores[a] || a - b).map((id) => tokens[id]);
}

/** Gemma's runs of spaces are written as spaces in these files, as tokens of a user, and are ordinary ones in its own. */
function gemmaSpelling(vocabulary: Vocabulary): Vocabulary {
  const isRun = (token: string): boolean => /^(?: {2,}|\u2581{2,})$/.test(token);
  const { tokens, types } = vocabulary;
  return {
    ...vocabulary,
    tokens: tokens.map((token) => (isRun(token) ? spaceMark.repeat(token.length) : token)),
    types: types.map((type, id) => (isRun(tokens[id]) ? kinds.normal : type)),
  };
}

/**
 * Gemma's merges: runs of one blank first, the longest of them first of all, then all others in the order of their ids,
 * which their scores do not follow; of the ways to cut a piece the longest beginning comes first.
 */
function gemmaMerges(tokens: readonly string[], normal: readonly number[]): string[] {
  const run = (id: number): number => (/^(?:\u2581+|\n+|\t+)$/.test(tokens[id]) ? tokens[id].length : 0);
  const ordered = normal.toSorted((a, b) => run(b) - run(a) || a - b).map((id) => tokens[id]);
  const merges = mergesInOrder(ordered);
  // Those of one piece stand together.
  const pieceOf = (merge: string): string => merge.replace(" ", "");
  const result: string[] = [];
  for (let from = 0; from < merges.length; ) {
    let to = from + 1;
    while (to < merges.length && pieceOf(merges[to]) === pieceOf(merges[from])) to++;
    for (let i = to - 1; i >= from; i--) result.push(merges[i]);
    from = to;
  }
  return result;
}

function byteLevel(vocabulary: Vocabulary, report: Report): TokenizerJson | undefined {
  const { tokens, types, pre, merges } = vocabulary;
  const words = pre !== undefined && Object.hasOwn(ggufWords, pre) ? ggufWords[pre] : undefined;
  if (words === undefined) {
    const known = Object.keys(ggufWords).join(", ");
    report("tokenizer.ggml.pre", `must be one of ${known}, got ${JSON.stringify(pre ?? null)}`);
  }
  if (merges === undefined) {
    report("tokenizer.ggml.merges", "must be there for a tokenizer of the kind gpt2, got none");
  }
  if (words === undefined || merges === undefined) return undefined;
  const used = [...tokens.keys()].filter((id) => types[id] !== kinds.unused);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary, () => false),
    normalizer: words.normalizer,
    pre_tokenizer: words.preTokenizer,
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: words.ignoreMerges,
      vocab: Object.fromEntries(used.map((id) => [tokens[id], id])),
      merges: [...merges],
    },
  };
}

function configurationOf(
  { metadata }: GgufHeader,
  { tokens, pre }: Vocabulary,
  isSentencePiece: boolean,
  report: Report,
): TokenizerConfiguration {
  const ids = isSentencePiece ? sentencePieceIds : {};
  const token = (name: string): string | null => {
    const key = `tokenizer.ggml.${name}_token_id`;
    const id = metadata.number(key, report) ?? ids[name];
    if (id !== undefined && tokens[id] === undefined) {
      report(key, `must be below ${tokens.length}, got ${id}`);
    }
    return id === undefined ? null : (tokens[id] ?? null);
  };
  const template = metadata.text("tokenizer.chat_template", report);
  const forTools = metadata.text("tokenizer.chat_template.tool_use", report);
  const templates =
    template !== undefined && forTools !== undefined
      ? [
          { name: "default", template },
          { name: "tool_use", template: forTools },
        ]
      : template;
  const addsBos =
    metadata.flag("tokenizer.ggml.add_bos_token", report) ??
    (isSentencePiece || (ggufWords[pre ?? ""]?.addsBos ?? false));
  return {
    // Without a template that might ask for it, one that is never added has no place.
    bos_token: addsBos || templates !== undefined ? token("bos") : null,
    eos_token: token("eos"),
    unk_token: token("unknown"),
    pad_token: token("padding"),
    add_bos_token: addsBos,
    ...(templates !== undefined && { chat_template: templates }),
  };
}

/** Tokenizers by `tokenizer.ggml.model`. */
const kindsOfModels: Readonly<
  Record<string, (vocabulary: Vocabulary, report: Report) => TokenizerJson | undefined>
> = { [sentencePieceModel]: sentencePiece, gpt2: byteLevel };
