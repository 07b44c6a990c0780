import { once } from "../../primitives/index.ts";
import { attention, concat, dim, expand, input, rotary, type Tensor } from "../../tensor/index.ts";
import { joinHeads, splitHeads } from "../heads.ts";
import { familyOf, type LanguageConfig } from "./families.ts";
import type { LayerPictures, PictureProjection } from "./family.ts";
import { rotaryTables } from "./rotary.ts";
import {
  repeatHeads,
  rotation,
  type SequenceSizes,
  sampleMask,
  windowMask,
} from "./whole-sequence-attention.ts";

/** Sizes of a batch whose pictures stand beside the text. */
export interface PictureSizes extends SequenceSizes {
  /** Visual tokens a row has room for. */
  readonly visual: number;
}

/**
 * What layers see of pictures beside whole sequences. Asks for the inputs of `pictureFeeds`.
 *
 * @param pictures the visual tokens of each row [batch, visual, hidden]
 */
export function picturesOfWholeSequence(
  config: LanguageConfig,
  { batch, tokens, packed, visual }: PictureSizes,
  pictures: Tensor,
): (layer: number) => LayerPictures {
  const one = dim("one", 1);
  const [rows, length, width] = [dim("batch", batch), dim("tokens", tokens), dim("visual", visual)];
  const mask = input("picture_mask", "float32", [rows, one, length, width]);
  const seen = input("picture_seen", "float32", [rows, length, one]);
  const positions = input("picture_positions", "int64", [rows, width]);
  const masked = sampleMask(packed);
  const causal = once((all: number) => expand(masked(windowMask(all, all))!, [rows, one, length, length]));
  return (layer) => {
    const { positions: encoding, scale } = familyOf(config).layerAttention(config, layer);
    if (encoding.kind !== "rotary")
      throw new TypeError("language: layers that see pictures need rotary positions");
    const { settings } = encoding;
    const turnText = rotation(settings, { batch, tokens, packed });
    // The kernel asks for as many rows of the tables as there are keys.
    const tables = rotaryTables(settings, { positions: Math.max(tokens + 1, visual), length: tokens });
    const turnPictures = (x: Tensor): Tensor => rotary(x, positions, tables.cos, tables.sin);
    const heads = (x: Tensor): Tensor => splitHeads(x, config.keyValueHeads);
    const attended = (query: Tensor, parts: readonly KeyValueHeads[], hidden: Tensor): Tensor => {
      const joined = (part: keyof KeyValueHeads): Tensor => {
        const all = parts.map((one) => repeatHeads(one[part], config));
        return all.length === 1 ? all[0] : concat(all, 2, "pictures+tokens");
      };
      const q = turnText(splitHeads(query, config.heads));
      return joinHeads(attention(q, joined("k"), joined("v"), { scale, mask: hidden }), query.shape[2]);
    };
    const ofPictures = (project: PictureProjection): KeyValueHeads => {
      const { key, value } = project(pictures);
      return { k: turnPictures(heads(key)), v: heads(value) };
    };
    return {
      seen: () => seen,
      over: (query, project) => attended(query, [ofPictures(project)], mask),
      withText: (query, { key, value }, project) => {
        const text = { k: turnText(heads(key)), v: heads(value) };
        return attended(
          query,
          [ofPictures(project), text],
          concat([mask, causal(tokens)], 3, "pictures+tokens"),
        );
      },
    };
  };
}

interface KeyValueHeads {
  readonly k: Tensor;
  readonly v: Tensor;
}
