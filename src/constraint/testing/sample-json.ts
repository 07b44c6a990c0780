import { mulberry32 } from "../../primitives/index.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import type { TokenConstraint } from "../index.ts";

/** What a model wants to say next: logits over a vocabulary, which may be larger than the tokenizer's. */
export type Wishes = (logits: Float32Array) => void;

const poolSize = 2 ** 17;
let pool: Float32Array | undefined;

/** Some of a store of random logits: quicker than new ones for every token. */
function some(at: number, logits: Float32Array): void {
  const random = mulberry32(7);
  pool ??= Float32Array.from({ length: poolSize }, () => random() * 20 - 10);
  const from = Math.floor(at * (poolSize - logits.length));
  logits.set(pool.subarray(from, from + logits.length));
}

/** Another wish for every token. */
export function fickle(seed: number): Wishes {
  const random = mulberry32(seed);
  return (logits) => some(random(), logits);
}

/** The same wishes all the time: a model that would go on for ever. */
export function stubborn(seed: number): Wishes {
  const at = mulberry32(seed)();
  return (logits) => some(at, logits);
}

/** The best allowed token again and again, as greedy decoding chooses; `ended`: by the end-of-sequence token. */
export function write(
  constraint: TokenConstraint,
  tokenizer: Tokenizer,
  wishes: Wishes,
  maxNewTokens: number,
): { text: string; tokens: number; ended: boolean } {
  const stream = tokenizer.stream();
  const logits = new Float32Array(tokenizer.vocabularySize + 3);
  let text = "";
  for (let tokens = 1; tokens <= maxNewTokens; tokens++) {
    wishes(logits);
    constraint.forbid(logits);
    let best = 0;
    for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
    constraint.accept(best);
    if (best === tokenizer.eosId) return { text: text + stream.end(), tokens, ended: true };
    text += stream.push(best);
  }
  return { text: text + stream.end(), tokens: maxNewTokens, ended: false };
}
