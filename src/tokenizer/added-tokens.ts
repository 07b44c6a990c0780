import { z } from "zod";
import { modelFiles } from "../model-files/index.ts";
import { type TokenizerConfiguration, TokenizerError, type TokenizerJson } from "./format.ts";

// Ids are indices of a table: far more than any vocabulary has would be memory for nothing.
const largestId = 2 ** 22;
export const tokenId = z.int().nonnegative().max(largestId);

export function isTokenId(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= largestId;
}

const described = z.object({
  content: z.string(),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().optional(),
  special: z.boolean().default(false),
});

/** A token that a file beside tokenizer.json adds to the vocabulary. */
type Addition = Omit<z.infer<typeof described>, "content"> & {
  readonly id: number;
  readonly content: string;
  /** The file, for messages. */
  readonly where: string;
};

const DECODER = "added_tokens_decoder of tokenizer_config.json";

/** The text of a special token's entry: a string or `{ content }`; undefined for null and nothing. */
export function contentOf(setting: unknown): string | undefined {
  if (typeof setting === "string") return setting === "" ? undefined : setting;
  if (typeof setting === "object" && setting !== null && "content" in setting) return String(setting.content);
  return undefined;
}

/** Keys that name more special tokens, as a list or by names of their own. */
const MORE_SPECIAL = ["additional_special_tokens", "extra_special_tokens"] as const;

/** The texts of what these keys name. */
export function moreSpecialTokens(configuration: TokenizerConfiguration): string[] {
  return MORE_SPECIAL.flatMap((key) => {
    const named = configuration[key];
    const list = typeof named === "object" && named !== null ? Object.values(named) : [];
    return list.flatMap((one) => contentOf(one) ?? []);
  });
}

/**
 * A tokenizer.json with the tokens that stand in the files beside it: `added_tokens.json` (`{ token: id }`) and
 * tokenizer_config.json's `added_tokens_decoder` (`{ id: { content, … } }`). Those that tokenizer_config.json or
 * special_tokens_map.json call special are, whatever else is said of them.
 *
 * @param addedTokens content of added_tokens.json, undefined where there is none
 * @throws TokenizerError naming every entry that is none, every token with two ids and every id with two tokens
 */
export function withAddedTokens(
  json: TokenizerJson,
  configuration: TokenizerConfiguration,
  addedTokens?: unknown,
): TokenizerJson {
  const problems: string[] = [];
  const additions = [
    ...fromDecoder(configuration.added_tokens_decoder, problems),
    ...fromIds(addedTokens, problems),
  ];
  const special = specialContents(configuration);
  const byContent = new Map(json.added_tokens.map((token) => [token.content, token]));
  const tokenOf = tokensById(json, new Set(additions.map(({ id }) => id)));
  for (const { where, ...addition } of additions) {
    const { id, content } = addition;
    const known = byContent.get(content)?.id ?? json.model.vocab[content];
    const other = tokenOf.get(id);
    if (known !== undefined && known !== id) {
      problems.push(`${JSON.stringify(content)} as ${id} in ${where}, ${known} elsewhere`);
    } else if (other !== undefined && other !== content) {
      problems.push(
        `the id ${id} of ${JSON.stringify(content)} in ${where}, elsewhere ${JSON.stringify(other)}'s`,
      );
    } else {
      tokenOf.set(id, content);
      const isSpecial = addition.special || special.has(content) || byContent.get(content)?.special === true;
      const known = byContent.get(content) ?? { ...addition, normalized: addition.normalized ?? !isSpecial };
      byContent.set(content, { ...known, special: isSpecial });
    }
  }
  if (problems.length > 0) {
    throw new TokenizerError(
      `tokenizer: its files must agree on the added tokens, got ${problems.join("; ")}. Save the tokenizer again with the tool that made it`,
    );
  }
  const marked = [...byContent.values()].map((token) =>
    special.has(token.content) ? { ...token, special: true } : token,
  );
  return { ...json, added_tokens: marked };
}

function specialContents(configuration: TokenizerConfiguration): Set<string> {
  const named = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"];
  const contents = named.flatMap((key) => contentOf(configuration[key]) ?? []);
  return new Set([...contents, ...moreSpecialTokens(configuration)]);
}

/** The tokens of some ids. */
function tokensById(
  { added_tokens, model }: TokenizerJson,
  wanted: ReadonlySet<number>,
): Map<number, string> {
  const tokens = new Map<number, string>();
  if (wanted.size === 0) return tokens;
  for (const [token, id] of Object.entries(model.vocab)) if (wanted.has(id)) tokens.set(id, token);
  for (const { id, content } of added_tokens) tokens.set(id, content);
  return tokens;
}

function fromDecoder(decoder: unknown, problems: string[]): Addition[] {
  return entriesOf(decoder, DECODER, problems).flatMap(([key, value]): Addition[] => {
    const id = tokenId.safeParse(Number(key)).data;
    const token = described.safeParse(value).data;
    if (id !== undefined && key !== "" && token !== undefined) return [{ ...token, id, where: DECODER }];
    problems.push(`${JSON.stringify(key)} with ${shortJson(value)} in ${DECODER}`);
    return [];
  });
}

function fromIds(ids: unknown, problems: string[]): Addition[] {
  const where = modelFiles.addedTokens;
  return entriesOf(ids, where, problems).flatMap(([content, value]): Addition[] => {
    const id = tokenId.safeParse(value).data;
    if (id !== undefined && content !== "") return [{ ...described.parse({ content }), id, where }];
    problems.push(`${JSON.stringify(content)} with ${shortJson(value)} in ${where}`);
    return [];
  });
}

function entriesOf(content: unknown, where: string, problems: string[]): [string, unknown][] {
  if (content === undefined || content === null) return [];
  if (typeof content === "object" && !Array.isArray(content)) return Object.entries(content);
  problems.push(`${shortJson(content)} as ${where}`);
  return [];
}

const shortJson = (value: unknown): string => String(JSON.stringify(value)).slice(0, 60);
