import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { cuttingGrids, decodeImage, gridOf, type RgbImage, toTiles } from "./index.ts";

interface Golden {
  readonly pictures: readonly {
    readonly name: string;
    readonly width: number;
    readonly height: number;
    readonly sizes: Readonly<
      Record<string, { grid_rows: number; grid_cols: number; sub_picture_sha256: string[] }>
    >;
  }[];
  readonly grid_table: Readonly<Record<string, [number, number, number][]>>;
}

function synthetic(width: number, height: number): RgbImage {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return (7 * x + 13 * y + 50 * (i % 3) + 3 * ((x * y) % 11)) & 255;
  });
  return { width, height, data };
}

/** The SHA-256 of pixels as 8-bit levels, one channel after the other. */
const digest = (pixels: Float32Array): string =>
  createHash("sha256").update(Uint8Array.from(pixels)).digest("hex");

describe.skipIf(!sharedAvailable)("mPLUG-Owl3's cutting against the original code", async () => {
  const golden: Golden = sharedAvailable
    ? JSON.parse(await readFile(shared("golden/tiny-owl3/image/cases.json"), "utf8"))
    : { pictures: [], grid_table: {} };

  test.each(golden.pictures)("$name, byte by byte", async ({ name, width, height, sizes }) => {
    const [kind, file] = name.split(":");
    const picture =
      kind === "owleval" ? await decodeImage(shared(`owleval/cases/${file}`)) : synthetic(width, height);
    // Photographs at the size of the small versions, the others at that of the large one.
    for (const size of ["56", kind === "owleval" ? "384" : "378"]) {
      const { grid_rows, grid_cols, sub_picture_sha256 } = sizes[size];
      // The pixels are 8-bit levels.
      const levels = { size: Number(size), mean: [0, 0, 0], std: [1, 1, 1], rescale: 1, cuts: true } as const;
      const tiles = toTiles(picture, levels);
      expect(
        tiles.map(({ pixels }) => digest(pixels)),
        size,
      ).toEqual(sub_picture_sha256);
      expect(tiles.at(-1)?.grid).toEqual([grid_rows, grid_cols]);
    }
  });

  test("the grids of 484 sizes", () => {
    for (const [size, rows] of Object.entries(golden.grid_table)) {
      const got = rows.map(([width, height]) =>
        cuttingGrids.indexOf(gridOf({ width, height }, Number(size), cuttingGrids)),
      );
      expect(got, size).toEqual(rows.map(([, , index]) => index));
    }
  });
});
