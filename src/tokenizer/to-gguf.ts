import { type Architecture, sentencePieceModel, type WrittenValue } from "../gguf/index.ts";
import { type AddedToken, isByteToken, spaceMark, type TokenizerJson } from "./format.ts";
import { ggufWordsName } from "./gguf-words.ts";
import { tokenKinds } from "./token-kinds.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Is told what a GGUF file cannot say. */
type Report = (problem: string) => void;

/**
 * A tokenizer as metadata of a GGUF file, for `llama.cpp`.
 *
 * @param size tokens of the model's table; those without a text are filled up
 * @param rules of the model's architecture
 * @param chatTemplate how conversations are written, as tokenizer_config.json's key chat_template has it; undefined: not said
 * @param report is told everything that the file cannot say
 */
export function ggufTokenizer(
  tokenizer: Tokenizer,
  {
    size,
    rules,
    chatTemplate,
  }: { readonly size: number; readonly rules: Architecture; readonly chatTemplate: unknown },
  report: Report,
): Map<string, WrittenValue> {
  const { json } = tokenizer;
  if (tokenizer.vocabularySize > size) {
    report(`the tokenizer: must have at most ${size} tokens, got ${tokenizer.vocabularySize}`);
  }
  reportRules(json.added_tokens, rules, report);
  const isByteLevel = JSON.stringify(json.decoder).includes('"ByteLevel"');
  const listed = tokensOf(json, size);
  const entries = new Map<string, WrittenValue>([
    ["model", { type: "string", value: isByteLevel ? "gpt2" : sentencePieceModel }],
    ["tokens", { type: "strings", value: listed.map(({ text }) => text) }],
    ["token_type", { type: "int32s", value: listed.map(({ kind }) => kind) }],
    ...(isByteLevel ? byteLevel(json, report) : sentencePiece(json, listed, report)),
    ...specialIds(tokenizer),
    ["add_bos_token", { type: "bool", value: tokenizer.start.length > 0 }],
    ["add_eos_token", { type: "bool", value: false }],
  ]);
  const all = [...entries].map(([key, value]) => [`tokenizer.ggml.${key}`, value] as const);
  return new Map([...all, ...templates(chatTemplate)]);
}

/** Rules about blanks and words around added tokens have no place in the file; llama.cpp knows Phi-3's by its name. */
function reportRules(added: readonly AddedToken[], { tokensTakeSpace }: Architecture, report: Report): void {
  for (const { content, lstrip, rstrip, single_word: alone } of added) {
    const rules = [lstrip && "lstrip", rstrip && !tokensTakeSpace && "rstrip", alone && "single_word"];
    const said = rules.filter((rule) => rule !== false);
    if (said.length > 0)
      report(`the added token ${JSON.stringify(content)}: must not have ${said.join(", ")}`);
  }
}

interface ListedToken {
  readonly text: string;
  readonly kind: number;
}

function tokensOf(json: TokenizerJson, size: number): ListedToken[] {
  const listed = Array.from({ length: size }, (_, id): ListedToken => {
    return { text: `[PAD${id}]`, kind: tokenKinds.unused };
  });
  for (const [text, id] of Object.entries(json.model.vocab)) {
    const kind = isByteToken(text) && json.model.byte_fallback ? tokenKinds.byte : tokenKinds.normal;
    listed[id] = { text, kind };
  }
  for (const { id, content, special } of json.added_tokens) {
    const isUnknown = content === json.model.unk_token;
    const kind = isUnknown ? tokenKinds.unknown : special ? tokenKinds.control : tokenKinds.userDefined;
    listed[id] = { text: content, kind };
  }
  return listed;
}

function byteLevel(json: TokenizerJson, report: Report): [string, WrittenValue][] {
  const { merges, ignore_merges: ignores } = json.model;
  const pre = ggufWordsName(json.pre_tokenizer, json.normalizer, ignores === true);
  if (pre === undefined) {
    report("the tokenizer: must cut texts and normalise them in a way that llama.cpp has a name for");
  }
  return [
    ["pre", { type: "string", value: pre ?? "" }],
    [
      "merges",
      { type: "strings", value: merges.map((one) => (typeof one === "string" ? one : one.join(" "))) },
    ],
  ];
}

function sentencePiece(
  json: TokenizerJson,
  listed: readonly ListedToken[],
  report: Report,
): [string, WrittenValue][] {
  const scores = scoresOf(json, report);
  const steps = JSON.stringify([json.normalizer, json.pre_tokenizer]);
  const addsSpace = steps.includes('"Prepend"') || /"prepend_scheme":"(always|first)"/.test(steps);
  return [
    ["pre", { type: "string", value: "default" }],
    ["scores", { type: "float32s", value: listed.map(({ text }) => scores.get(text) ?? lowest) }],
    ["add_space_prefix", { type: "bool", value: addsSpace }],
  ];
}

/** The score of what no merge makes. */
const lowest = -1e6;

/**
 * A score for each token that merges make: the file has no merges, and llama.cpp joins whatever two neighbours are a token
 * together, the best score first. That is the same where merges are in the order of what they make.
 */
function scoresOf({ model }: TokenizerJson, report: Report): Map<string, number> {
  const scores = new Map<string, number>();
  let last: string | undefined;
  let isOrdered = true;
  for (const merge of model.merges) {
    const made = typeof merge === "string" ? merge.replace(" ", "") : merge.join("");
    // Runs of different letters never meet, so their order does not matter.
    if (made !== last && scores.has(made) && !/^(.)\1*$/su.test(made)) isOrdered = false;
    if (!scores.has(made)) scores.set(made, -scores.size);
    last = made;
  }
  const crossing = Object.keys(model.vocab).some((token) => token.includes(" "));
  if (!isOrdered || crossing) {
    report(
      `the tokenizer: must have merges in the order of the tokens that they make, and ${spaceMark} for spaces`,
    );
  }
  return scores;
}

function specialIds({ bosId, json, ...tokenizer }: Tokenizer): [string, WrittenValue][] {
  const id = (key: string, value: number): [string, WrittenValue] => [
    `${key}_token_id`,
    { type: "uint32", value },
  ];
  return [
    ...(bosId === undefined ? [] : [id("bos", bosId)]),
    id("eos", tokenizer.eosId),
    ...(json.model.unk_token === null ? [] : [id("unknown", tokenizer.unkId)]),
    id("padding", tokenizer.padId),
  ];
}

function templates(given: unknown): [string, WrittenValue][] {
  if (typeof given === "string") return [["tokenizer.chat_template", { type: "string", value: given }]];
  if (!Array.isArray(given)) return [];
  return given.map(({ name, template }: { name: string; template: string }) => [
    name === "default" ? "tokenizer.chat_template" : `tokenizer.chat_template.${name}`,
    { type: "string", value: template },
  ]);
}
