import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { readSafetensors } from "../checkpoint/index.ts";
import {
  CLIP_PREPROCESSOR,
  decodeImage,
  gridOf,
  type Preprocessor,
  type RgbImage,
  releasedGrids,
  tileCount,
  toTiles,
  withTiles,
} from "./index.ts";

/** The pixels of a tile are its 8-bit levels. */
const levels = (size: number): Preprocessor => ({
  size,
  mean: [0, 0, 0],
  std: [1 / 255, 1 / 255, 1 / 255],
  grids: releasedGrids,
});

const asBytes = (pixels: Float32Array): Uint8Array => Uint8Array.from(pixels, Math.round);

const gray = (width: number, height: number): RgbImage => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(128),
});

describe("tiles", () => {
  test("the released grids: every one of up to 20 tiles and 11 rows or columns", () => {
    expect(releasedGrids).toHaveLength(48);
    expect(releasedGrids.slice(0, 8)).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
      [1, 3],
      [3, 1],
      [1, 4],
      [2, 2],
      [4, 1],
    ]);
    expect(Math.max(...releasedGrids.flat())).toBe(11);
  });

  test("the whole picture comes first, at the place behind all rows and columns", () => {
    const preprocessor = { ...CLIP_PREPROCESSOR, size: 28, grids: releasedGrids };
    const tiles = toTiles(gray(84, 56), preprocessor);
    expect(tiles.map(({ position }) => position)).toEqual([
      [11, 11],
      ...[0, 1].flatMap((row) => [0, 1, 2].map((column) => [row, column])),
    ]);
    expect(tiles).toHaveLength(tileCount({ width: 84, height: 56 }, preprocessor));
    expect(tiles.every(({ pixels }) => pixels.length === 3 * 28 * 28)).toBe(true);
  });

  test("other grids move the place of the whole picture", () => {
    const only = { ...levels(4), grids: [[2, 2]] } as const;
    expect(toTiles(gray(8, 3), only).map(({ position }) => position)).toEqual([
      [2, 2],
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]);
  });

  test("a picture of a model that reads them whole is itself", () => {
    const whole = { ...CLIP_PREPROCESSOR, size: 28 };
    expect(toTiles(gray(84, 56), whole)).toEqual([{ pixels: expect.any(Float32Array) }]);
    expect(tileCount({ width: 84, height: 56 }, whole)).toBe(1);
  });

  test("grids of a file, and which of them are refused", () => {
    const read = (tile_grids: unknown, positions = 15) =>
      withTiles(CLIP_PREPROCESSOR, { tile_grids }, "preprocessor_config.json", positions).grids;
    expect(read(undefined)).toBe(releasedGrids);
    expect(read([[2, 2]])).toEqual([[2, 2]]);
    expect(() => read([])).toThrow("preprocessor_config.json: tile_grids must be a list of [rows, columns]");
    expect(() => read([[0, 1]])).toThrow("got [[0,1]]");
    expect(() => read(undefined, 11)).toThrow("must have at most 10 rows and columns");
  });
});

describe.skipIf(!sharedAvailable)("tiles against the original code", () => {
  const folder = shared("golden/tiny-ureader");
  const json = (file: string) => JSON.parse(readFileSync(`${folder}/${file}`, "utf8"));

  test("the grids and the choice for 60 sizes, at two sizes of tiles", () => {
    const { anchors, table, anchor_max } = json("grids.json");
    expect(releasedGrids).toEqual(anchors);
    expect(Math.max(...releasedGrids.flat())).toBe(anchor_max);
    expect(table).toHaveLength(60);
    for (const row of table) {
      const name = `${row.width} × ${row.height}`;
      expect(gridOf(row, 224), name).toEqual([row.rows, row.cols]);
      expect(gridOf(row, 56), name).toEqual([row.rows_at_56, row.cols_at_56]);
    }
  });

  test("every tile of three pictures, byte for byte", async () => {
    const stored = await readSafetensors(`${folder}/pixels.safetensors`);
    for (const { file, sha256_224 } of json("preprocess.json").pictures) {
      const name = file.match(/(\d+)\.jpg$/)[1];
      const path = shared(`owleval/cases/${name}.jpg`);
      expect(existsSync(path), path).toBe(true);
      const image = await decodeImage(path, { fidelity: "reference" });
      const small = toTiles(image, levels(56));
      const wanted = stored.get(`pixels.${name}`)!;
      const bytes = Buffer.concat(small.map(({ pixels }) => asBytes(pixels)));
      expect(bytes.equals(Uint8Array.from(wanted.data as Int32Array)), name).toBe(true);
      const positions = (tiles: typeof small) => tiles.flatMap(({ position }) => [...position!]);
      expect(positions(small)).toEqual(Array.from(stored.get(`patch_positions.${name}`)!.data, Number));
      const large = toTiles(image, levels(224));
      expect(positions(large)).toEqual(Array.from(stored.get(`patch_positions_224.${name}`)!.data, Number));
      const sums = large.map(({ pixels }) => createHash("sha256").update(asBytes(pixels)).digest("hex"));
      expect(sums).toEqual(sha256_224);
    }
  });
});
