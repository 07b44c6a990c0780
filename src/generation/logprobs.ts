import { logSoftmax } from "./logits-processors.ts";
import type { SampledToken } from "./request.ts";

/**
 * A chosen token with its log-probability, the natural logarithm of softmax(logits), and those of the `count`
 * likeliest tokens, best first (of equals the lowest id first). `logits` are the model's and are overwritten.
 */
export function tokenLogprobs(logits: Float32Array, id: number, count: number): SampledToken {
  logSoftmax(logits);
  const best: number[] = [];
  for (let token = 0; token < logits.length; token++) {
    if (best.length === count && !(logits[token] > logits[best[count - 1]])) continue;
    let at = best.length;
    while (at > 0 && logits[best[at - 1]] < logits[token]) at--;
    best.splice(at, 0, token);
    if (best.length > count) best.pop();
  }
  const top = best.map((token) => ({ id: token, logprob: logits[token] }));
  return { id, logprob: logits[id], top };
}
