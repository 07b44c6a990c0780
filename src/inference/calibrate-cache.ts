import { angleLength, type OwlConfig, spansOfPlaceholders, tokensPerImage } from "../model/index.ts";
import { OnnxRuntimeError } from "../platform/index.ts";
import { mulberry32 } from "../primitives/index.ts";
import { Decoder } from "./decoder.ts";
import { fitScales } from "./kv-scales.ts";
import { concatenated, type LoadedModel } from "./loaded-model.ts";
import { mediaFromTile } from "./prompt.ts";

/** Words that keys and values are measured on, before a picture and behind it. */
const words = 24;
/** The first scales are off by less than this many refinements mend. */
const mostPasses = 8;

/**
 * Measures the scales of a KV cache in int8 once, on words and a picture drawn by chance, the same for every model of these sizes. So
 * an answer depends neither on what was asked before nor on who else is answered. Does nothing for a cache in float32.
 *
 * @throws OnnxRuntimeError where keys or values are not finite
 */
export async function calibrateKvCache(model: LoadedModel): Promise<void> {
  const scales = Object.values(model.kvScales);
  if (scales.length === 0) return;
  const ids = measuredIds(model.config);
  const spans = spansOfPlaceholders(ids, model.config.textOnly ? undefined : tokensPerImage(model.config));
  const visual = spans.length === 0 ? [] : [await picture(model.config)];
  const tokens = visual.length === 0 ? new Float32Array() : concatenated([await model.visualTokens(visual)]);
  const angles = angleLength(model.config.language, ids.length);
  for (let pass = 0; pass < mostPasses; pass++) {
    const cache = model.newCache(1, ids.length);
    await new Decoder(model, cache).prefill([{ ids, spans }], tokens, 0, { angles });
    const measured = cache.buffers.map((buffer, i) => fitScales(scales[i], buffer, ids.length, i % 2 === 0));
    if (measured.every(Boolean)) return;
  }
  throw new OnnxRuntimeError(
    `KV cache in int8: keys and values must be finite numbers, got none after ${mostPasses} passes; load the model with a KV cache in float32`,
  );
}

/** Words, and a picture where the model takes any and it finds room. */
function measuredIds({ language, textOnly, ...config }: OwlConfig): number[] {
  const { vocabulary, maxPositions, bosId } = language;
  const random = mulberry32(20230427);
  const some = (count: number): number[] =>
    Array.from({ length: count }, () => Math.floor(vocabulary * random()));
  const wide = textOnly ? 0 : tokensPerImage({ ...config, language });
  const shown = 2 * words + 1 + wide <= maxPositions ? wide : 0;
  const count = Math.min(words, Math.floor((maxPositions - 1 - shown) / 2));
  const first = bosId >= 0 && bosId < vocabulary ? [bosId] : [0];
  return [...first, ...some(count), ...new Array<number>(shown).fill(-1), ...some(count)];
}

/** A picture of even patches under noise, whose tiles, where a model has such, lie first. */
async function picture({ vision: { imageSize }, tilePositions }: OwlConfig) {
  const random = mulberry32(19970417);
  const side = Math.max(1, Math.floor(imageSize / 4));
  const patches = Array.from({ length: 3 * 25 }, () => 3 * random() - 1.5);
  const pixels = Float32Array.from({ length: 3 * imageSize ** 2 }, (_, i) => {
    const [color, y, x] = [
      Math.floor(i / imageSize ** 2),
      Math.floor(i / imageSize) % imageSize,
      i % imageSize,
    ];
    const patch = 25 * color + 5 * Math.floor(y / side) + Math.floor(x / side);
    return patches[patch] + 0.6 * (random() - 0.5);
  });
  return mediaFromTile({ pixels, ...(tilePositions !== undefined && { position: [0, 0] as const }) });
}
