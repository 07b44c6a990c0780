import type { OwlConfig } from "../model/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import { IGNORED, type ProbeInputs } from "./lone-placeholders.ts";
import { rowsOf, type TensorReader } from "./tensor-reader.ts";

/**
 * Inputs in which pictures stand beside the text (mPLUG-Owl3): `input_ids` int64 [batch, tokens], `pixel_values` [pictures, 3, imageSize,
 * imageSize] of all rows one after the other, `media_starts` int64 [pictures], where their markers begin, `num_sub_pictures` int64 [batch],
 * how many of them are each row's (absent: all are the only row's), `attention_mask` and `labels` (−100: not predicted) of the ids' sizes. Padding
 * stands behind the text.
 *
 * @param problems gets what is wrong with them
 */
export function readBesideText(read: TensorReader, config: OwlConfig, problems: string[]): ProbeInputs {
  const ids = read.required("input_ids", 2);
  const [batch = 0, tokens = 0] = ids?.dims ?? [];
  const { imageSize } = config.vision;
  const pixels = read.tensor("pixel_values", [undefined, 3, imageSize, imageSize]);
  const given = pixels?.dims[0] ?? 0;
  const starts = numbersOf(read.tensor("media_starts", [undefined]));
  const counts = numbersOf(read.tensor("num_sub_pictures", [batch])) ?? onlyRow(batch, given, problems);
  const mask = rowsOf(read.tensor("attention_mask", [batch, tokens]), batch, tokens);
  const labels = rowsOf(read.tensor("labels", [batch, tokens]), batch, tokens);
  const rows = rowsOf(ids, batch, tokens);
  const present = rows.map((row, b) => row.map((_, t) => mask.length === 0 || mask[b][t] !== 0));
  if (present.some((row) => row.some((is, t) => is && t > 0 && !row[t - 1]))) {
    problems.push("attention_mask must hide nothing but what stands behind the text");
  }
  return {
    ids: rows,
    pixels: given === 0 ? undefined : (pixels as HostTensor<"float32">),
    present,
    pictureStarts: startsOfRows(starts ?? [], counts, { given, tokens }, problems),
    lossMask:
      labels.length === 0
        ? undefined
        : labels.map((row, b) => row.map((label, t) => t > 0 && label !== IGNORED && present[b][t])),
  };
}

function numbersOf(tensor: HostTensor | undefined): number[] | undefined {
  return tensor && Array.from<number | bigint, number>(tensor.data, Number);
}

/** What `num_sub_pictures` means where it is absent. */
function onlyRow(batch: number, given: number, problems: string[]): number[] {
  if (batch > 1 && given > 0) {
    problems.push(`num_sub_pictures must say how many pictures each of the ${batch} rows has, got none`);
  }
  return Array.from({ length: batch }, (_, row) => (row === 0 ? given : 0));
}

function startsOfRows(
  starts: readonly number[],
  counts: readonly number[],
  { given, tokens }: { readonly given: number; readonly tokens: number },
  problems: string[],
): number[][] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (starts.length !== given || total !== given) {
    problems.push(
      `media_starts and num_sub_pictures must be of the ${given} pictures of pixel_values, got ${starts.length} and ${total}`,
    );
  }
  const wrong = starts.filter((start) => start < 0 || start >= tokens);
  if (wrong.length > 0) problems.push(`media_starts must lie below ${tokens}, got ${wrong.join(", ")}`);
  const left = [...starts];
  const rows = counts.map((count) => left.splice(0, count));
  if (rows.some((row) => row.some((start, i) => i > 0 && start <= row[i - 1]))) {
    problems.push("media_starts must ascend within a row");
  }
  return rows;
}
