import type { Step } from "./step.ts";

/** How a byte-level tokenizer of a GGUF file cuts a text into words, which the file has as a name only. */
export interface GgufWords {
  readonly normalizer: Step | null;
  readonly preTokenizer: Step;
  /** Whether a word that is a token is taken whole. */
  readonly ignoreMerges: boolean;
  /** Whether texts begin with bos where the file does not say. */
  readonly addsBos: boolean;
}

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const rest = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const restOrSlash = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const upper = "\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}";
const lower = "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}";
const cased = (end: string): string =>
  `[^\\r\\n\\p{L}\\p{N}]?[${upper}]*[${lower}]+${end}|[^\\r\\n\\p{L}\\p{N}]?[${upper}]+[${lower}]*${end}`;

const words = (digits: string): string => `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}|${rest}`;

const byteLevel = (usesRegex: boolean): Step => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: usesRegex,
});

const inTurn = (...pretokenizers: readonly Step[]): Step => ({ type: "Sequence", pretokenizers });

const byPattern = (Regex: string): Step =>
  inTurn({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false }, byteLevel(false));

const plain = { normalizer: null, ignoreMerges: false, addsBos: false } as const;
const llama3: GgufWords = {
  ...plain,
  preTokenizer: byPattern(words("\\p{N}{1,3}")),
  ignoreMerges: true,
  addsBos: true,
};
const threeDigits: GgufWords = { ...plain, preTokenizer: byPattern(words("\\p{N}{1,3}")) };
const oneDigit: GgufWords = { ...plain, preTokenizer: byPattern(words("\\p{N}")) };
const gpt2: GgufWords = { ...plain, preTokenizer: byteLevel(true) };
const digitByDigit: GgufWords = {
  ...plain,
  preTokenizer: inTurn({ type: "Digits", individual_digits: true }, byteLevel(true)),
};
const gpt4o: GgufWords = {
  ...plain,
  preTokenizer: byPattern(`${cased(`${contractions}?`)}|\\p{N}{1,3}|${restOrSlash}`),
};

/** Every name of `tokenizer.ggml.pre` that is computed. Source: llama.cpp's `llama-vocab.cpp`. */
export const ggufWords: Readonly<Record<string, GgufWords>> = {
  "llama-bpe": llama3,
  llama3,
  "llama-v3": llama3,
  dbrx: threeDigits,
  "smaug-bpe": threeDigits,
  // Qwen's own normalises; what else has this name is not known to do so.
  qwen2: { ...oneDigit, normalizer: { type: "NFC" } },
  "deepseek-r1-qwen": oneDigit,
  megrez: oneDigit,
  tekken: {
    preTokenizer: byPattern(`${cased("")}|\\p{N}|${restOrSlash}`),
    normalizer: null,
    ignoreMerges: true,
    addsBos: true,
  },
  "gpt-4o": gpt4o,
  "gpt-2": gpt2,
  olmo: gpt2,
  smollm: digitByDigit,
  refact: digitByDigit,
  starcoder: digitByDigit,
};

/** The name of the way in which a tokenizer.json cuts texts; undefined where GGUF has none for it. */
export function ggufWordsName(
  preTokenizer: unknown,
  normalizer: unknown,
  ignoreMerges: boolean,
): string | undefined {
  const wanted = shape(preTokenizer);
  const isNormalised = Object(normalizer).type === "NFC";
  if (normalizer !== null && !isNormalised) return undefined;
  const [name] =
    Object.entries(ggufWords).find(
      ([, one]) =>
        shape(one.preTokenizer) === wanted &&
        one.ignoreMerges === ignoreMerges &&
        (one.normalizer !== null) === isNormalised,
    ) ?? [];
  return name;
}

/** What a pre-tokenizer does, whatever it says that has no effect on ids. */
function shape(step: unknown): string {
  const { type, pretokenizers, ...settings } = Object(step) as Record<string, unknown>;
  if (type === "Sequence") return (pretokenizers as unknown[]).map(shape).join(" then ");
  if (type === "Split")
    return `split ${JSON.stringify([settings.pattern, settings.behavior, settings.invert === true])}`;
  if (type === "ByteLevel")
    return `bytes ${settings.add_prefix_space !== false} ${settings.use_regex !== false}`;
  if (type === "Digits") return `digits ${settings.individual_digits === true}`;
  return JSON.stringify(step);
}
