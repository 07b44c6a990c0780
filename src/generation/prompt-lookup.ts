/** Tokens of a repeated run that must have come alike before the next ones are drafted from it. */
const shortestMatch = 3;
/** After misses no longer match than this is asked for. */
const longestNeeded = 24;
/** So many occurrences of a run are looked at. */
const candidates = 16;
/** Tokens of a first draft; with the token before them they make an even number of rows, which kernels compute in pairs. */
const firstDraft = 3;

/**
 * Drafts the tokens of an answer that may come next: those that followed the same tokens earlier, in the prompt or in the
 * answer (prompt lookup decoding, A. Saxena 2023; `prompt_lookup_num_tokens` in transformers). A model checks a whole draft
 * in one step. What a draft is depends on the tokens alone, so that an answer repeats.
 *
 * A draft that fails costs more than a plain step. So the next ones are long while drafts come true, and short after one
 * that does not; when nothing of one comes true, twice as long a match is needed for the next.
 */
export class PromptLookup {
  readonly #most: number;
  readonly #ids: number[] = [];
  /** The positions behind all occurrences of three tokens, by these tokens. */
  readonly #ends = new Map<string, number[]>();
  #needed = shortestMatch;
  #length: number;

  /** @param most tokens of a draft */
  constructor(most: number) {
    this.#most = most;
    this.#length = Math.min(firstDraft, most);
  }

  /** Takes the tokens of the prompt, or those that the answer has got. Negative ones stand for pictures and match nothing. */
  push(ids: readonly number[]): void {
    for (const id of ids) {
      this.#ids.push(id);
      const end = this.#ids.length;
      const run = this.#ids.slice(Math.max(0, end - shortestMatch));
      if (run.length < shortestMatch || run.some((one) => one < 0)) continue;
      const key = run.join(" ");
      const ends = this.#ends.get(key);
      if (ends === undefined) this.#ends.set(key, [end]);
      else ends.push(end);
    }
  }

  /** At most so many tokens that may follow; none where nothing came alike before. */
  draft(most: number): number[] {
    const end = this.#ids.length;
    const from = this.#longestMatch(end);
    if (from === undefined) return [];
    const length = Math.min(this.#length, this.#most, most);
    const draft: number[] = [];
    // A run that overlaps its own repetition goes on with what is drafted.
    while (draft.length < length) {
      const at = from + draft.length;
      const id = at < end ? this.#ids[at] : draft[at - end];
      if (id < 0) break;
      draft.push(id);
    }
    return draft;
  }

  /** Learns how many tokens of a draft came true. */
  score(drafted: number, accepted: number): void {
    if (accepted === 0) this.#needed = Math.min(longestNeeded, 2 * this.#needed);
    else this.#needed = shortestMatch;
    this.#length = accepted === drafted ? 2 * drafted + 1 : firstDraft;
  }

  /** Behind the longest run that is alike the last tokens, of equals the latest; none where it is too short. */
  #longestMatch(end: number): number | undefined {
    const ends = this.#ends.get(this.#ids.slice(-shortestMatch).join(" ")) ?? [];
    let best: number | undefined;
    let longest = this.#needed - 1;
    // The last one is the end itself.
    for (const from of ends.slice(-candidates - 1, -1).reverse()) {
      const length = this.#matched(from, end);
      if (length > longest) [best, longest] = [from, length];
    }
    return best;
  }

  /** How many tokens before two positions are alike, as far as it matters. */
  #matched(a: number, b: number): number {
    let length = 0;
    while (length < longestNeeded && length < a && this.#ids[a - 1 - length] === this.#ids[b - 1 - length])
      length++;
    return length;
  }
}
