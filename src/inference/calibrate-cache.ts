import { angleLength, type OwlConfig, spansOfPlaceholders, tokensPerImage } from "../model/index.ts";
import { OnnxRuntimeError } from "../platform/index.ts";
import { mulberry32 } from "../primitives/index.ts";
import { Decoder } from "./decoder.ts";
import { fitScales } from "./kv-scales.ts";
import { concatenated, type LoadedModel } from "./loaded-model.ts";
import { mediaFromTile } from "./prompt.ts";

/** Words that keys and values are measured on, before a picture and behind it. */
const words = 24;
/** The first scales are off by less than this many refinements mend, each for a few layers more. */
const freePasses = 6;
/** Further ones, by which scales grow only. */
const growingPasses = 6;
/** How much a scale grows at first where a number is cut off, and how much once most are known. */
const growth = { free: 64, known: 2 };
/** Scales of keys and values up to two million: no model has larger ones, and what is no number asks for ever larger scales. */
const largestScale = 2 ** 14;

/**
 * Measures the scales of a KV cache in int8 once, on words and a picture drawn by chance, the same for every model of these sizes. So
 * an answer depends neither on what was asked before nor on who else is answered. Does nothing for a cache in float32.
 *
 * @throws OnnxRuntimeError where the model computes what is no number, or keys and values beyond {@link largestScale}
 */
export async function calibrateKvCache(model: LoadedModel): Promise<void> {
  const scales = Object.values(model.kvScales);
  if (scales.length === 0) return;
  const ids = measuredIds(model.config);
  const spans = spansOfPlaceholders(ids, model.config.textOnly ? undefined : tokensPerImage(model.config));
  const visual = spans.length === 0 ? [] : [await picture(model.config)];
  const tokens = visual.length === 0 ? new Float32Array() : concatenated([await model.visualTokens(visual)]);
  const angles = angleLength(model.config.language, ids.length);
  const cache = model.newCache(1, ids.length);
  const decoder = new Decoder(model, cache);
  // What a scale cuts off or blurs changes all layers behind it. In a deep model a few numbers of many come out anew each time, so that
  // in the end scales grow only, and what is still cut off in the last pass has twice the room after it.
  for (let pass = 0, areMeasured = false; !areMeasured && pass < freePasses + growingPasses; pass++) {
    const everyToken = pass === 0;
    const logits = await decoder.prefill([{ ids, spans }], tokens, 0, { angles, everyToken });
    requireNumbers([tokens, ...logits].every((numbers) => numbers.every(Number.isFinite)));
    const narrows = pass < freePasses;
    // The last free pass measures what it widens no more than a growing one: nothing narrows it afterwards.
    const grow = pass < freePasses - 1 ? growth.free : growth.known;
    const measured = cache.buffers.map((buffer, i) =>
      fitScales(scales[i], buffer, ids.length, i % 2 === 0, { grow, narrows }),
    );
    areMeasured = measured.every(Boolean);
  }
  requireNumbers(scales.every(({ data }) => data.every((scale) => scale <= largestScale)));
}

/** Keys and values that are no numbers saturate; what else is none shows in what is computed of it. */
function requireNumbers(are: boolean): void {
  if (are) return;
  throw new OnnxRuntimeError(
    "KV cache in int8: keys, values and logits must be numbers, got some that are infinite or none; compare the weights with those that were published",
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
