import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createTokenizer, type Tokenizer } from "../../tokenizer/index.ts";

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../tests/fixtures/${path}`, import.meta.url)), "utf8");

const forms = [
  ...["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<start_of_turn>", "<end_of_turn>"],
  ...["<start_of_image>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>", "<|start_header_id|>"],
  ...["<|end_header_id|>", "<|eot_id|>", "<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"],
];

/** A template of tests/fixtures/templates. */
export const templateText = (name: string): string => read(`templates/${name}.jinja`);

/** A small tokenizer of bytes whose special tokens are those of several families, with a chat template. */
export function tokenizerWith(chat_template: unknown, more: object = {}): Tokenizer {
  const { vocabularies } = JSON.parse(read("tokenizers/made.json"));
  const json = vocabularies.bytes;
  const size = Object.keys(json.model.vocab).length;
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const added_tokens = forms.map((content, i) => ({ id: size + i, content, ...plain, special: true }));
  const named = { bos_token: "<s>", eos_token: "</s>", pad_token: "</s>", unk_token: "</s>" };
  return createTokenizer({ ...json, added_tokens }, { ...named, chat_template, ...more });
}

/** Ids of control tokens. */
export function controlIds({ json }: Tokenizer): ReadonlySet<number> {
  return new Set(json.added_tokens.map(({ id }) => id));
}
