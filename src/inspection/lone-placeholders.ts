import { type OwlConfig, tokensPerImage } from "../model/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import type { ModelInputs } from "./forward-backward.ts";
import { rowsOf, type TensorReader } from "./tensor-reader.ts";

/** The model's inputs in tensors of a reference's names. */
export interface ProbeInputs extends ModelInputs {
  /** 1 where a position holds a token. */
  readonly present: readonly (readonly boolean[])[];
}

/** A row's tokens, a picture's at each of its positions, and which of them count in the loss. */
interface Row {
  readonly ids: readonly number[];
  readonly counts: readonly boolean[];
  readonly pictures: number;
}

/** A label that does not count. */
export const IGNORED = -100;

/**
 * Inputs in which one id stands for a whole picture (mPLUG-Owl2's −200): `input_ids` int64 [batch, tokens], `attention_mask`, `labels`
 * (−100: not predicted) of the same sizes, `pixel_values` or `images`. What the mask leaves out is taken away, wherever it stands;
 * rows that have become unequal are filled up behind. The reference lets a row without a picture use one up: pixels may have one for
 * each such row, which is passed over.
 *
 * @param problems gets what is wrong with them
 */
export function readLonePlaceholders(
  read: TensorReader,
  config: OwlConfig,
  placeholder: number,
  problems: string[],
): ProbeInputs {
  const ids = read.required("input_ids", 2);
  const [batch = 0, tokens = 0] = ids?.dims ?? [];
  const { imageSize } = config.vision;
  const sizes = [undefined, 3, imageSize, imageSize];
  const pixels = read.tensor("pixel_values", sizes) ?? read.tensor("images", sizes);
  const mask = read.tensor("attention_mask", [batch, tokens]);
  const labels = read.tensor("labels", [batch, tokens]);
  const given = { ids, mask, labels };
  const [all, present, taught] = [given.ids, given.mask, given.labels].map((one) =>
    rowsOf(one, batch, tokens),
  );
  const perPicture = tokensPerImage(config);
  const rows = all.map((row, b): Row => {
    const kept = row.flatMap((id, t) => (mask === undefined || present[b][t] !== 0 ? [{ id, t }] : []));
    return {
      ids: kept.flatMap(({ id }) => (id === placeholder ? new Array<number>(perPicture).fill(-1) : [id])),
      counts: kept.flatMap(({ id, t }) =>
        id === placeholder ? new Array<boolean>(perPicture).fill(false) : [taught[b]?.[t] !== IGNORED],
      ),
      pictures: kept.filter(({ id }) => id === placeholder).length,
    };
  });
  return {
    ...filledUp(rows, widest(all, placeholder, perPicture), Math.max(0, config.language.padId)),
    pixels: shownPixels(rows, pixels as HostTensor<"float32"> | undefined, problems),
    ...(labels === undefined && { lossMask: undefined }),
  };
}

/** The length of the longest row with its pictures, and with what the mask leaves out: the reference's results are so wide. */
function widest(rows: readonly (readonly number[])[], placeholder: number, perPicture: number): number {
  const lengths = rows.map((row) => row.reduce((sum, id) => sum + (id === placeholder ? perPicture : 1), 0));
  return Math.max(0, ...lengths);
}

function filledUp(
  rows: readonly Row[],
  width: number,
  padId: number,
): Required<Pick<ProbeInputs, "ids" | "present" | "lossMask">> {
  const fill = <T>(list: readonly T[], value: T): T[] => [
    ...list,
    ...new Array<T>(width - list.length).fill(value),
  ];
  return {
    ids: rows.map(({ ids }) => fill(ids, padId)),
    present: rows.map(({ ids }) =>
      fill(
        ids.map(() => true),
        false,
      ),
    ),
    lossMask: rows.map(({ counts }) => fill(counts, false).map((counts, t) => counts && t > 0)),
  };
}

/** The pictures that stand in rows. */
function shownPixels(
  rows: readonly Row[],
  pixels: HostTensor<"float32"> | undefined,
  problems: string[],
): HostTensor<"float32"> | undefined {
  const given = pixels?.dims[0] ?? 0;
  const shown = rows.reduce((sum, { pictures }) => sum + pictures, 0);
  const silent = rows.filter(({ pictures }) => pictures === 0).length;
  if (given === shown) return pixels;
  if (pixels === undefined || given !== shown + silent) {
    problems.push(`pixel_values must hold the ${shown} pictures that input_ids has places for, got ${given}`);
    return undefined;
  }
  const isShown = rows.flatMap(({ pictures }) =>
    pictures === 0 ? [false] : new Array<boolean>(pictures).fill(true),
  );
  if (shown === 0) return undefined;
  const size = pixels.data.length / given;
  const data = new Float32Array(shown * size);
  let at = 0;
  for (const [i, counts] of isShown.entries()) {
    if (counts) data.set(pixels.data.subarray(i * size, (i + 1) * size), size * at++);
  }
  return { ...pixels, dims: [shown, ...pixels.dims.slice(1)], data };
}
