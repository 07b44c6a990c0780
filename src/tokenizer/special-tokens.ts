import { contentOf, moreSpecialTokens } from "./added-tokens.ts";
import { isByteToken, type TokenizerConfiguration, TokenizerError, type TokenizerJson } from "./format.ts";

/** The special tokens of a model. */
export interface SpecialTokens {
  /** Undefined: the model has none, and no token is put in front of its texts. */
  bosId: number | undefined;
  /** Undefined: none is named, which is an error where one is needed. */
  eosId: number | undefined;
  padId: number;
  unkId: number;
  /** These and whatever else tokenizer.json marks as special: what decoding may skip. */
  all: ReadonlySet<number>;
  /**
   * Written forms that a user's text must not encode to: those of all of these, of what tokenizer_config.json calls a special
   * token beside them, and of added tokens in angle or square brackets or with `<|` in front, which models take for control signs though
   * tokenizer.json calls them ordinary (`<tool_call>`). Other added tokens, such as words, are ordinary text.
   */
  control: ReadonlySet<string>;
}

/**
 * Special tokens by tokenizer_config.json (`bos_token`, …: a string or `{ content }`; null: there is none), LLaMA's names
 * where it is silent and the vocabulary has them; padding falls back to the unknown token, and that, where a vocabulary
 * has a token for every byte and none for what is unknown, to the end of the sequence.
 * @throws TokenizerError naming every one that is not in the vocabulary
 */
export function specialTokens(json: TokenizerJson, configuration: TokenizerConfiguration): SpecialTokens {
  const problems: string[] = [];
  const known = (content: string): number | undefined =>
    json.added_tokens.find((token) => token.content === content)?.id ?? json.model.vocab[content];
  const idOf = (key: string, fallback: string | null): number | undefined => {
    const content = contentOf(configuration[key]);
    if (content === undefined) {
      const isSilent = configuration[key] === undefined;
      return isSilent && fallback !== null ? known(fallback) : undefined;
    }
    const id = known(content);
    if (id === undefined) problems.push(`${key} ${JSON.stringify(content)}`);
    return id;
  };
  const bosId = idOf("bos_token", "<s>");
  const eosId = idOf("eos_token", "</s>");
  const unknown = json.model.unk_token;
  const unkId = idOf("unk_token", null) ?? known(unknown ?? "<unk>") ?? eosId ?? 0;
  const padId = idOf("pad_token", null) ?? unkId;
  if (problems.length > 0) {
    throw new TokenizerError(
      `tokenizer: special tokens must be in the vocabulary, got ${problems.join(", ")}. Name them in tokenizer_config.json`,
    );
  }
  const added = json.added_tokens.filter((token) => token.special).map((token) => token.id);
  const named = [bosId, eosId, unkId, padId].filter((id) => id !== undefined);
  const all = new Set([...named, ...added]);
  return { bosId, eosId, padId, unkId, all, control: controlForms(json, configuration, all) };
}

const bracketed = /^(<.+>|\[.+\]|<[|\uff5c].+)$/s;

function controlForms(
  { added_tokens, model }: TokenizerJson,
  configuration: TokenizerConfiguration,
  special: ReadonlySet<number>,
): Set<string> {
  const isSign = (content: string): boolean => bracketed.test(content) && !isByteToken(content);
  const added = added_tokens.filter(({ id, content }) => special.has(id) || isSign(content));
  const forms = new Set(added.map(({ content }) => content));
  for (const token in model.vocab) if (special.has(model.vocab[token])) forms.add(token);
  for (const content of moreSpecialTokens(configuration)) forms.add(content);
  return forms;
}
