import { byteToken, TokenizerError, type TokenizerJson } from "./format.ts";
import { MergeQueue } from "./merge-queue.ts";
import { MergeTable } from "./merge-table.ts";

type Model = TokenizerJson["model"];

/** A word's ids; undefined where a character has no token and there is none for what is unknown. */
export type EncodeWord = (word: string) => readonly number[] | undefined;

/** Words that are kept, and how long each may be. */
const cachedWords = 2 ** 15;
const cachedLength = 64;

const utf8 = new TextEncoder();

/**
 * Byte-pair encoding of words: the merge of lowest rank first, among those the leftmost (Sennrich et al., arXiv 1508.07909;
 * order of events as in Hugging Face's tokenizers).
 */
export class BytePairEncoding {
  readonly #model: Model;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #merges: MergeTable;
  readonly #bytes: readonly number[] | undefined;
  readonly #unknown: number | undefined;
  readonly #queue = new MergeQueue();

  /** @throws TokenizerError naming what is not computed, and merges of tokens that are not in the vocabulary */
  constructor(model: Model) {
    requireComputed(model);
    this.#model = model;
    this.#ids = new Map(Object.entries(model.vocab));
    this.#merges = mergesOf(model, this.#ids);
    this.#bytes = model.byte_fallback ? byteIds(this.#ids) : undefined;
    this.#unknown = model.unk_token === null ? undefined : this.#ids.get(model.unk_token);
  }

  /**
   * A way to encode words.
   *
   * @param forbidden ids that nothing in a word becomes: neither a character, nor a merge, nor the word as a whole
   */
  encoder(forbidden: ReadonlySet<number> = new Set()): EncodeWord {
    const words = new Map<string, readonly number[] | undefined>();
    const isByte = (id: number): boolean => this.#bytes?.includes(id) === true;
    const forbiddenMerges =
      forbidden.size === 0 ? forbidden : new Set([...forbidden, ...(this.#bytes ?? [])]);
    return (word) => {
      const known = words.get(word);
      if (known !== undefined) return known;
      const ids = this.#whole(word, forbidden, isByte) ?? this.#merged(word, forbidden, forbiddenMerges);
      if (word.length <= cachedLength) {
        if (words.size >= cachedWords) words.clear();
        words.set(word, ids);
      }
      return ids;
    };
  }

  /** A word that is a token, where the model looks for these first. */
  #whole(
    word: string,
    forbidden: ReadonlySet<number>,
    isByte: (id: number) => boolean,
  ): number[] | undefined {
    if (this.#model.ignore_merges !== true) return undefined;
    const id = this.#ids.get(word);
    if (id === undefined || forbidden.has(id) || (forbidden.size > 0 && isByte(id))) return undefined;
    return [id];
  }

  #merged(
    word: string,
    forbidden: ReadonlySet<number>,
    forbiddenMerges: ReadonlySet<number>,
  ): number[] | undefined {
    const ids = this.#characters(word, forbidden);
    return ids === undefined || ids.length < 2 ? ids : this.#queue.merge(ids, this.#merges, forbiddenMerges);
  }

  /** The tokens of a word's characters: their own, those of their bytes, or the unknown one. */
  #characters(word: string, forbidden: ReadonlySet<number>): number[] | undefined {
    const { fuse_unk: fuses } = this.#model;
    const ids: number[] = [];
    let isUnknown = false;
    for (const character of word) {
      const id = this.#ids.get(character);
      if (id !== undefined && !forbidden.has(id)) {
        ids.push(id);
        isUnknown = false;
        continue;
      }
      if (this.#bytes !== undefined) {
        for (const byte of utf8.encode(character)) ids.push(this.#bytes[byte]);
        continue;
      }
      if (this.#unknown === undefined) return undefined;
      if (!(isUnknown && fuses === true)) ids.push(this.#unknown);
      isUnknown = true;
    }
    return ids;
  }
}

function requireComputed({ dropout, continuing_subword_prefix, end_of_word_suffix }: Model): void {
  const settings = Object.entries({ dropout, continuing_subword_prefix, end_of_word_suffix });
  const given = settings.filter(
    ([, value]) => value !== undefined && value !== null && value !== "" && value !== 0,
  );
  if (given.length === 0) return;
  throw new TokenizerError(
    `tokenizer.json: its model must have settings that are computed here, got ${given.map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(", ")}. Take another tokenizer, or ask for these to be added`,
  );
}

function byteIds(ids: ReadonlyMap<string, number>): readonly number[] | undefined {
  const bytes = Array.from({ length: 256 }, (_, byte) => ids.get(byteToken(byte)));
  return bytes.every((id) => id !== undefined) ? bytes : undefined;
}

/** @throws TokenizerError naming a merge whose tokens are not in the vocabulary */
function mergesOf({ merges }: Model, ids: ReadonlyMap<string, number>): MergeTable {
  const table = new MergeTable(merges.length);
  for (const [rank, merge] of merges.entries()) {
    const [left, right, ...more] = typeof merge === "string" ? merge.split(" ") : merge;
    const [first, second, joined] = [ids.get(left), ids.get(right), ids.get(left + right)];
    if (first === undefined || second === undefined || joined === undefined || more.length > 0) {
      throw new TokenizerError(
        `tokenizer.json: merges must join two tokens of the vocabulary to a third, got ${JSON.stringify(merge)} as number ${rank + 1}. Save the tokenizer again with the tool that made it`,
      );
    }
    table.set(first, second, rank, joined);
  }
  return table;
}
