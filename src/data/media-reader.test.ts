import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CLIP_PREPROCESSOR } from "../image/index.ts";
import { openMediaReader } from "./media-reader.ts";
import { tokenReader } from "./reader.ts";

let directory: string;
let picture: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-media-"));
  picture = join(directory, "noise.png");
  const create = { width: 40, height: 30, channels: 3, background: "red" } as const;
  await sharp({ create: { ...create, noise: { type: "gaussian", mean: 128, sigma: 40 } } }).toFile(picture);
});
afterAll(() => rm(directory, { recursive: true }));

test("a thread makes the same bits, says what it cannot read, and ends with its reader", async () => {
  const [here, there] = [openMediaReader(0), openMediaReader(1)];
  expect([here.rowsAhead, there.rowsAhead]).toEqual([1, 2]);
  const image = await here.image(picture);
  expect(await there.image(picture)).toEqual(image);
  const preprocessor = { ...CLIP_PREPROCESSOR, size: 16 };
  const task = { images: [image, image], videos: [[image, image]], preprocessor, seed: 7 };
  const made = await there.pixels(task);
  expect(made).toEqual(await here.pixels(task));
  expect(made.pixels[0]).not.toEqual(made.pixels[1]);
  await expect(there.image(join(directory, "none.png"))).rejects.toThrow(
    /none\.png: must be a readable file/,
  );
  await expect(there.image(Uint8Array.of(1, 2, 3).subarray(1), "rows.jsonl:3")).rejects.toThrow(
    /^rows\.jsonl:3: /,
  );
  const asked = there.image(picture);
  const ended = expect(asked).rejects.toThrow("a worker thread has ended");
  await there.close();
  await ended;
  expect((await there.image(picture)).width).toBe(40);
  await there.close();
});

test("rows that are read at the same time keep their order, and the first that fails is the one that is told", async () => {
  let underWay = 0;
  let most = 0;
  const read = (bad: readonly number[]) =>
    tokenReader(
      { length: 100, example: (row) => row },
      {
        batch: 8,
        microBatch: 2,
        tokensPerImage: 1,
        imageSize: 1,
        rowsAhead: 3,
        encode: async (row) => {
          most = Math.max(most, ++underWay);
          await new Promise((done) => setTimeout(done, row % 2 === 0 ? 8 : 1));
          underWay--;
          if (bad.includes(row)) throw new Error(`row ${row}`);
          return {
            ids: [1, row, 2],
            spans: [],
            lossMask: [false, true, true],
            pixels: [],
            name: `row ${row}`,
          };
        },
      },
    )(8);
  const { batches, next } = await read([]);
  expect(batches.flatMap(({ rowNames }) => rowNames)).toEqual(
    [8, 9, 10, 11, 12, 13, 14, 15].map((row) => `row ${row}`),
  );
  expect([next, most]).toEqual([16, 3]);
  await expect(read([10, 11])).rejects.toThrow("row 10");
  expect(underWay).toBe(0);
});
