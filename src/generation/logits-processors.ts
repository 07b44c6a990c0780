import type { GenerationSettings } from "./settings.ts";

/**
 * Changes the scores of the next token in place; `history` is BOS and the tokens generated so far (never the
 * prompt). Removed tokens get −∞. The arithmetic is float32, as in the reference (transformers 4.28.1).
 */
export type LogitsProcessor = (scores: Float32Array, history: readonly number[]) => void;

/** Makes tokens of the history less likely: positive scores are divided by the penalty, negative multiplied. */
export function repetitionPenalty(penalty: number): LogitsProcessor {
  const factor = Math.fround(penalty);
  return (scores, history) => {
    for (const id of new Set(history)) {
      if (id < scores.length) scores[id] = scores[id] < 0 ? scores[id] * factor : scores[id] / factor;
    }
  };
}

/** Removes every token that would complete a run of `size` tokens that the history already has. */
export function noRepeatNgram(size: number): LogitsProcessor {
  return (scores, history) => {
    const start = history.length - size + 1;
    if (start < 0) return;
    for (let at = 0; at < start; at++) {
      let same = true;
      for (let i = 0; i < size - 1 && same; i++) same = history[at + i] === history[start + i];
      if (same) scores[history[at + size - 1]] = -Infinity;
    }
  };
}

/**
 * Takes from every token of the answer so far (BOS does not count) `frequency` for each time it is there and `presence`
 * once: OpenAI's frequency and presence penalties.
 */
export function frequencyPresencePenalties(frequency: number, presence: number): LogitsProcessor {
  return (scores, history) => {
    const counts = new Map<number, number>();
    for (const id of history.slice(1)) counts.set(id, (counts.get(id) ?? 0) + 1);
    for (const [id, count] of counts) scores[id] -= frequency * count + presence;
  };
}

/** Divides every score: below 1 sharpens the distribution, above 1 flattens it. So near to 0 that none is left only the best stay. */
export function temperature(value: number): LogitsProcessor {
  const divisor = Math.fround(value);
  return (scores) => {
    const best = scores.reduce((most, score) => Math.max(most, score), -Infinity);
    const isOverflow = !Number.isFinite(Math.fround(best / divisor));
    for (let i = 0; i < scores.length; i++) {
      if (!isOverflow) scores[i] /= divisor;
      else scores[i] = scores[i] === best ? 0 : -Infinity;
    }
  };
}

/** Keeps the `k` best tokens and all that equal the k-th. */
export function topK(k: number, minimumKept = 1): LogitsProcessor {
  return (scores) => {
    const kept = Math.min(Math.max(k, minimumKept), scores.length);
    const threshold = scores.toSorted()[scores.length - kept];
    for (let i = 0; i < scores.length; i++) if (scores[i] < threshold) scores[i] = -Infinity;
  };
}

/**
 * Keeps the smallest set of best tokens whose probabilities reach `p`: in ascending order (equal scores by
 * ascending id) a token goes while the sum up to and with it is at most 1 − p.
 */
export function topP(p: number, minimumKept = 1): LogitsProcessor {
  const removable = Math.fround(1 - p);
  return (scores) => {
    const order = ascendingOrder(scores);
    const probabilities = softmax(scores);
    let sum = 0;
    for (let i = 0; i < order.length - minimumKept; i++) {
      sum += probabilities[order[i]];
      if (Math.fround(sum) > removable) return;
      scores[order[i]] = -Infinity;
    }
  };
}

/**
 * Keeps the tokens whose probability is at least `p` times that of the most probable one, and of the others the best ones
 * that make up `minimumKept` (with all that equal the last of them). As MinPLogitsWarper of transformers from 4.40 on.
 */
export function minP(p: number, minimumKept = 1): LogitsProcessor {
  const ratio = Math.fround(p);
  return (scores) => {
    const probabilities = softmax(scores);
    const threshold = Math.fround(ratio * maximum(probabilities));
    const kept = Math.min(minimumKept, scores.length);
    const leastKept = kept > 1 ? scores.toSorted()[scores.length - kept] : Infinity;
    for (let i = 0; i < scores.length; i++) {
      if (probabilities[i] < threshold && scores[i] < leastKept) scores[i] = -Infinity;
    }
  };
}

/** Softmax in float32, its sums in float64. */
export function softmax(scores: Float32Array): Float32Array {
  const highest = maximum(scores);
  const result = new Float32Array(scores.length);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    result[i] = Math.exp(scores[i] - highest);
    sum += result[i];
  }
  for (let i = 0; i < scores.length; i++) result[i] /= sum;
  return result;
}

/** log softmax in place. */
export function logSoftmax(scores: Float32Array): void {
  const highest = maximum(scores);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += Math.exp(scores[i] - highest);
  const shift = Math.log(sum);
  for (let i = 0; i < scores.length; i++) scores[i] = scores[i] - highest - shift;
}

function maximum(scores: Float32Array): number {
  let highest = -Infinity;
  for (let i = 0; i < scores.length; i++) if (scores[i] > highest) highest = scores[i];
  return highest;
}

// A float's bits, made to sort like the number, and the index fit one exact double: typed arrays then sort
// natively, which is ten times faster than a comparison function over a vocabulary.
const indexBits = 2 ** 21;

function ascendingOrder(scores: Float32Array): Uint32Array {
  const values = Float32Array.from(scores, (score) => score + 0);
  const bits = new Uint32Array(values.buffer);
  const keys = new Float64Array(scores.length);
  for (let i = 0; i < scores.length; i++) {
    const sortable = bits[i] & 0x80000000 ? ~bits[i] >>> 0 : (bits[i] | 0x80000000) >>> 0;
    keys[i] = sortable * indexBits + i;
  }
  return Uint32Array.from(keys.sort(), (key) => key % indexBits);
}

/** The processors that act in greedy decoding too, in the reference's order; those that it lacks come first. */
export function penaltiesOf(settings: GenerationSettings): LogitsProcessor[] {
  const chain: LogitsProcessor[] = [];
  const { frequencyPenalty, presencePenalty } = settings;
  if (frequencyPenalty !== 0 || presencePenalty !== 0) {
    chain.push(frequencyPresencePenalties(frequencyPenalty, presencePenalty));
  }
  if (settings.repetitionPenalty !== 1) chain.push(repetitionPenalty(settings.repetitionPenalty));
  if (settings.noRepeatNgramSize > 0) chain.push(noRepeatNgram(settings.noRepeatNgramSize));
  return chain;
}

/**
 * What acts after the penalties when sampling, in the reference's order.
 *
 * @param minimumKept tokens that are left in any case; beams need two each, since an eos may be one of them
 */
export function warpersOf(settings: GenerationSettings, minimumKept = 1): LogitsProcessor[] {
  const chain: LogitsProcessor[] = [];
  if (settings.temperature !== 1) chain.push(temperature(settings.temperature));
  if (settings.topK > 0) chain.push(topK(settings.topK, minimumKept));
  if (settings.topP < 1) chain.push(topP(settings.topP, minimumKept));
  if (settings.minP > 0) chain.push(minP(settings.minP, minimumKept));
  return chain;
}
