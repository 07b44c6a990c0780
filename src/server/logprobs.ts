import type { SampledToken } from "../generation/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** What JSON has in place of minus infinity, as OpenAI writes it. */
const impossible = -9999;

const finite = (logprob: number): number => (Number.isFinite(logprob) ? logprob : impossible);

interface WrittenToken {
  readonly token: string;
  /** Its UTF-8, of which `token` shows what are whole characters; null for a special token. */
  readonly bytes: readonly number[] | null;
}

/** Writes an answer's tokens one after the other. Its first one is written without the space that texts do not show. */
export class TokenReport {
  readonly #tokenizer: Tokenizer;
  readonly #eosTokenIds: readonly number[];
  #isFirst = true;
  #length = 0;

  constructor(tokenizer: Tokenizer, eosTokenIds: readonly number[]) {
    this.#tokenizer = tokenizer;
    this.#eosTokenIds = eosTokenIds;
  }

  /** New tokens as chat completions report them; the one that ends an answer is no part of it. */
  chat(tokens: readonly SampledToken[]): object[] {
    return this.#of(tokens).map(({ written, token, top }) => ({
      ...written,
      logprob: finite(token.logprob),
      top_logprobs: top.map(({ logprob, ...one }) => ({ ...one, logprob })),
    }));
  }

  /** New tokens as completions report them. */
  completion(tokens: readonly SampledToken[]): CompletionLogprobs {
    const report = this.#of(tokens);
    const text_offset = report.map(({ written }) => {
      const offset = this.#length;
      this.#length += written.token.length;
      return offset;
    });
    return {
      tokens: report.map(({ written }) => written.token),
      token_logprobs: report.map(({ token }) => finite(token.logprob)),
      top_logprobs: report.map(({ top }) =>
        Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
      ),
      text_offset,
    };
  }

  #of(tokens: readonly SampledToken[]): {
    written: WrittenToken;
    token: SampledToken;
    top: (WrittenToken & { logprob: number })[];
  }[] {
    return tokens
      .filter(({ id }) => !this.#eosTokenIds.includes(id))
      .map((token) => {
        const written = this.#write(token.id);
        // The one that ends answers may be none of the tokenizer's.
        const tokens = token.top.filter(({ id }) => this.#tokenizer.hasToken(id));
        const top = tokens.map(({ id, logprob }) => ({ ...this.#write(id), logprob: finite(logprob) }));
        this.#isFirst = false;
        return { written, token, top };
      });
  }

  #write(id: number): WrittenToken {
    const shown = this.#tokenizer.decode([id]);
    const bytes = this.#tokenizer.bytes(id);
    if (bytes === undefined) return { token: shown, bytes: null };
    const text = new TextDecoder().decode(bytes);
    // Decoded alone, a token is the first one of a text.
    const isStripped = this.#isFirst && text.startsWith(" ") && !shown.startsWith(" ");
    return isStripped
      ? { token: text.slice(1), bytes: [...bytes.subarray(1)] }
      : { token: text, bytes: [...bytes] };
  }
}

/** Log-probabilities in the form of the older protocol. */
export interface CompletionLogprobs {
  readonly tokens: readonly string[];
  readonly token_logprobs: readonly number[];
  readonly top_logprobs: readonly Readonly<Record<string, number>>[];
  readonly text_offset: readonly number[];
}
