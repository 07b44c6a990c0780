import { endOf, sliceSpans } from "../model/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import { Decoder } from "./decoder.ts";
import type { LoadedModel } from "./loaded-model.ts";
import { mostPrefilled } from "./prefill-limit.ts";
import { type Prompt, placedMedia } from "./prompt.ts";

/**
 * How tokens of a prompt look at its pictures beside the text: for every layer that looks at them the probabilities [1, heads, tokens, …], the
 * visual tokens of all pictures first, in reading order; what stands behind them is the text's, of layers with one softmax for both.
 *
 * @param from the first token that is asked for, behind the last picture's marker; all up to the end are
 */
export async function pictureAttention(
  model: LoadedModel,
  prompt: Prompt,
  from: number,
): Promise<HostTensor[]> {
  const { ids } = prompt;
  const placed = placedMedia(prompt, model.config);
  const visual = await model.visualTokens(placed.map(({ media }) => media));
  const width = visual.length / Math.max(1, placed.length);
  const decoder = new Decoder(model, model.newCache(1, ids.length));
  const step = Math.min(model.longestPrefill, mostPrefilled(model.config, placed.length, ids.length));
  for (let at = 0; at < from; ) {
    const to = Math.min(from, at + step);
    const spans = sliceSpans(placed, at, to);
    const before = placed.filter((span) => endOf(span) <= at).length;
    const own = visual.subarray(before * width, (before + spans.length) * width);
    await decoder.prefill([{ ids: ids.slice(at, to), spans }], own, at);
    at = to;
  }
  return decoder.look({ ids: ids.slice(from), spans: [] }, new Float32Array(), from);
}
