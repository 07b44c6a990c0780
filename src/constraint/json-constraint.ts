import { LruCache } from "../primitives/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { grammarOf } from "./grammar.ts";
import { impossible, type NfaStates, SchemaAutomaton } from "./nfa-states.ts";
import { requireDisjointOneOf } from "./one-of.ts";
import { readSchema } from "./schema.ts";
import type { TokenConstraint } from "./token-constraint.ts";
import { TokenTable } from "./token-table.ts";

export interface JsonConstraintOptions {
  /** Tokens that end an answer. Default: the tokenizer's. */
  readonly eosTokenIds?: readonly number[] | undefined;
  /**
   * Tokens that the answer may have, the one that ends it included. The text is brought to its end in time wherever
   * so many tokens are enough. Default: any number, and an answer may go on as long as its schema allows.
   */
  readonly maxNewTokens?: number | undefined;
}

/** Automata of a tokenizer's schemas that stay in the cache. */
const maxSchemas = 16;

interface Prepared {
  readonly vocabulary: TokenTable;
  readonly bySchema: LruCache<string, SchemaAutomaton>;
}

const prepared = new WeakMap<Tokenizer, Prepared>();

/**
 * A constraint on one answer: its text is JSON that a schema (draft 2020-12) allows, and nothing else. The answer may
 * end only where the JSON is complete. Only an answer that is cut by its number of tokens may be incomplete.
 *
 * @param schema undefined: any JSON object
 * @throws JsonSchemaError naming everything in the schema that is not supported, TokenizerError where the vocabulary
 *   lacks tokens of single bytes
 */
export function jsonConstraint(
  schema: object | boolean | undefined,
  tokenizer: Tokenizer,
  options: JsonConstraintOptions = {},
): TokenConstraint {
  const { eosTokenIds = [tokenizer.eosId], maxNewTokens } = options;
  return new JsonConstraint(
    automatonOf(schema ?? { type: "object" }, tokenizer),
    tokenizer,
    eosTokenIds,
    maxNewTokens,
  );
}

function automatonOf(schema: object | boolean, tokenizer: Tokenizer): SchemaAutomaton {
  const known = prepared.get(tokenizer) ?? {
    vocabulary: new TokenTable(tokenizer),
    bySchema: new LruCache({ limit: maxSchemas }),
  };
  prepared.set(tokenizer, known);
  const { vocabulary, bySchema } = known;
  const key = JSON.stringify(schema);
  const found = bySchema.get(key);
  if (found !== undefined) return found;
  const automaton = prepare(schema, vocabulary);
  bySchema.set(key, automaton);
  return automaton;
}

function prepare(document: object | boolean, vocabulary: TokenTable): SchemaAutomaton {
  const schema = readSchema(document);
  requireDisjointOneOf(schema);
  return new SchemaAutomaton(grammarOf(schema, vocabulary), vocabulary);
}

class JsonConstraint implements TokenConstraint {
  readonly #automaton: SchemaAutomaton;
  readonly #tokenizer: Tokenizer;
  readonly #ends: readonly number[];
  #remaining: number;
  #at: NfaStates;

  constructor(
    automaton: SchemaAutomaton,
    tokenizer: Tokenizer,
    ends: readonly number[],
    maxNewTokens = Number.POSITIVE_INFINITY,
  ) {
    this.#automaton = automaton;
    this.#tokenizer = tokenizer;
    this.#ends = ends;
    this.#remaining = maxNewTokens;
    this.#at = automaton.start();
  }

  forbid(logits: Float32Array): void {
    const needs = this.#automaton.tokensToEnd(this.#at);
    const most = this.#maxTokensToEnd(needs);
    const ends = this.#ends.map((id) => [id, logits[id]]);
    logits.fill(Number.NEGATIVE_INFINITY, needs.length);
    for (let id = 0; id < needs.length; id++) if (needs[id] > most) logits[id] = Number.NEGATIVE_INFINITY;
    if (this.#at.complete) for (const [id, logit] of ends) logits[id] = logit;
  }

  accept(id: number): void {
    this.#remaining--;
    if (this.#ends.includes(id)) return;
    for (const byte of this.#tokenizer.bytes(id) ?? []) {
      const next = this.#automaton.step(this.#at, byte);
      if (next === undefined)
        throw new RangeError(`json: the next token must be one that is allowed, got ${id}`);
      this.#at = next;
    }
  }

  /** How many tokens the text may still need after the next one: the budget without it and the end, but at least the fewest. */
  #maxTokensToEnd(needs: Uint16Array): number {
    const left = Math.min(this.#remaining - 2, impossible - 1);
    if (this.#at.complete || this.#at.fewestTokens <= left + 1) return left;
    return needs.reduce((fewest, need) => Math.min(fewest, need), impossible - 1);
  }
}
