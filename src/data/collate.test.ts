import { describe, expect, it } from "vitest";
import { spansOfPlaceholders } from "../model/index.ts";
import { collate } from "./collate.ts";
import type { TokenRow } from "./token-row.ts";

const options = { tokensPerImage: 2, imageSize: 1, rounding: { tokens: 4, losses: 2 } };
const picture = Float32Array.of(1, 2, 3);

function row(ids: number[], counted: number[], pixels: Float32Array[] = [], name = "row"): TokenRow {
  const lossMask = ids.map((_, i) => counted.includes(i));
  return { ids, spans: spansOfPlaceholders(ids, options.tokensPerImage), lossMask, pixels, name };
}

describe("collate", () => {
  it("pads on the right, shifts labels and names the positions that count", () => {
    const batch = collate([row([1, 5, 6, 7, 8, 2], [4, 5]), row([1, 9, 2], [2])], options);
    expect(batch.sizes).toEqual({ rows: 2, tokens: 8, images: 0, losses: 4 });
    expect([...batch.feeds.input_ids.data].map(Number)).toEqual([
      1, 5, 6, 7, 8, 0, 0, 0, 1, 9, 0, 0, 0, 0, 0, 0,
    ]);
    expect([...batch.feeds.loss_rows.data].map(Number)).toEqual([3, 4, 9, 0]);
    expect([...batch.feeds.labels.data].map(Number)).toEqual([8, 2, 2, 0]);
    expect([...batch.feeds.loss_weights.data]).toEqual([1, 1, 1, 0]);
    expect([batch.labelCount, batch.tokenCount]).toEqual([3, 7]);
  });

  it("computes all positions where nearly all count", () => {
    const batch = collate([row([1, 5, 6, 7, 2], [1, 2, 3, 4])], options);
    expect(batch.sizes.losses).toBe(4);
    expect(batch.feeds.loss_rows).toBeUndefined();
    expect([...batch.feeds.labels.data].map(Number)).toEqual([5, 6, 7, 2]);
  });

  it("puts pictures where their positions are, and extra ones on padding", () => {
    const rows = [row([1, -1, -1, -1, -1, 2], [5], [picture, picture]), row([-1, -1, 2], [2], [picture])];
    const batch = collate(rows, { ...options, rounding: { ...options.rounding, images: 4 } });
    expect(batch.sizes.images).toBe(4);
    const positions = [...batch.feeds.visual_positions.data].map(Number);
    expect(positions).toEqual([0, 1, 0, 2, 0, 3, 0, 4, 1, 0, 1, 1, 0, 5, 0, 6]);
    expect([...batch.feeds.pixel_values.data]).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3, 0, 0, 0]);
    expect([...batch.feeds.input_ids.data].every((id) => Number(id) >= 0)).toBe(true);
  });

  it("puts videos where theirs are, behind the pictures' rows", () => {
    const film = Float32Array.of(1, 1, 2, 2, 3, 3);
    const first = { ...row([1, -2, -2, -1, -1, 2], [5], [picture]), videos: [film] };
    const second = { ...row([1, -2, -2, 2], [3]), videos: [film.map((value) => 10 * value)] };
    const batch = collate([first, second], options);
    expect(batch.sizes).toMatchObject({ images: 1, videos: { count: 2, frames: 2 } });
    expect(batch.feeds.video_pixel_values.dims).toEqual([2, 3, 2, 1, 1]);
    expect([...batch.feeds.video_pixel_values.data]).toEqual([1, 1, 2, 2, 3, 3, 10, 10, 20, 20, 30, 30]);
    const positions = [...batch.feeds.visual_positions.data].map(Number);
    expect(positions).toEqual([0, 3, 0, 4, 0, 1, 0, 2, 1, 1, 1, 2]);
    const longer = { ...second, videos: [new Float32Array(9)], name: "b:2" };
    expect(() => collate([first, longer], options)).toThrow(/b:2: the videos of a batch.*got 2, 3/);
    expect(() => collate([{ ...first, videos: [] }], options)).toThrow(
      /1 pictures and 0 videos.*got 2 and 2/,
    );
  });

  it("names rows in which nothing counts", () => {
    const batch = collate([row([1, 5, 2], [], [], "train.jsonl:7"), row([1, 5, 2], [2])], options);
    expect(batch.rowsWithoutLabels).toEqual(["train.jsonl:7"]);
  });

  it("names a row whose pictures and positions do not agree, and one that is too long", () => {
    expect(() => collate([row([1, -1, 2], [2], [picture], "a:3")], options)).toThrow(
      /a:3: needs 2 positions/,
    );
    const short = { ...options, rounding: { maxTokens: 2 } };
    expect(() => collate([row([1, 5, 6, 7], [2], [], "a:4")], short)).toThrow(
      /a:4: must have at most 2 tokens/,
    );
  });

  it("lays rows that share sequences behind each other, as few and short as they fit, none seeing another", () => {
    const rows = [
      row([1, 5, 6], [0, 2]),
      row([1, -1, -1, 7, 2], [4], [picture]),
      row([1, 9, 2], [1, 2], [], "c"),
    ];
    const batch = collate([...rows, row([4, 8], [], [], "d")], { ...options, sequenceTokens: 12 });
    expect(batch.sizes).toEqual({ rows: 1, tokens: 12, images: 1, losses: 4, packed: true });
    const [ids, positions, mask] = ["input_ids", "position_ids", "attention_mask"].map((name) =>
      [...batch.feeds[name].data].map(Number),
    );
    expect(ids).toEqual([1, 5, 6, 1, 0, 0, 7, 2, 1, 9, 2, 4]);
    expect(positions).toEqual([0, 1, 2, 0, 1, 2, 3, 4, 0, 1, 2, 0]);
    const hidden = Array.from({ length: 12 }, (_, query) =>
      mask.slice(12 * query, 12 * query + 12).findLastIndex((value) => value < 0),
    );
    expect(hidden).toEqual([-1, -1, -1, 2, 2, 2, 2, 2, 7, 7, 7, 10]);
    // A row's first token is predicted by nothing, whatever its mask says.
    expect([...batch.feeds.loss_rows.data].map(Number)).toEqual([1, 6, 8, 9]);
    expect([...batch.feeds.labels.data].map(Number)).toEqual([6, 2, 9, 2]);
    expect([...batch.feeds.visual_positions.data].map(Number)).toEqual([0, 4, 0, 5]);
    expect([batch.labelCount, batch.tokenCount, batch.rowsWithoutLabels]).toEqual([4, 9, ["d"]]);
    expect(batch.rowNames).toEqual(["row", "row", "c", "d"]);
    const two = collate(rows, { ...options, sequenceTokens: 8 });
    expect(two.sizes).toMatchObject({ rows: 2, tokens: 8 });
    expect([...two.feeds.input_ids.data].map(Number)).toEqual([
      1, 5, 6, 1, 0, 0, 7, 0, 1, 9, 0, 0, 0, 0, 0, 0,
    ]);
  });
});
