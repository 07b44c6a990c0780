import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { adaptiveGrid, adaptiveGrids, cutAdaptively } from "./adaptive-cut.ts";
import { decodeImage } from "./image.ts";
import type { RgbImage } from "./resize.ts";

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

/** The SHA-256 of a picture's bytes, one channel after the other. */
function digest({ data }: RgbImage): string {
  const plane = data.length / 3;
  const byChannel = Uint8Array.from(data, (_, i) => data[(i % plane) * 3 + Math.floor(i / plane)]);
  return createHash("sha256").update(byChannel).digest("hex");
}

describe.skipIf(!sharedAvailable)("mPLUG-Owl3's cutting against the original code", async () => {
  const golden: Golden = sharedAvailable
    ? JSON.parse(await readFile(shared("golden/tiny-owl3/image/cases.json"), "utf8"))
    : { pictures: [], grid_table: {} };

  test.each(golden.pictures)("$name, byte by byte", async ({ name, width, height, sizes }) => {
    const [kind, file] = name.split(":");
    const picture =
      kind === "owleval" ? await decodeImage(shared(`owleval/cases/${file}`)) : synthetic(width, height);
    for (const [size, { grid_rows, grid_cols, sub_picture_sha256 }] of Object.entries(sizes)) {
      expect(adaptiveGrid(picture, Number(size))).toEqual([grid_rows, grid_cols]);
      expect(cutAdaptively(picture, Number(size)).map(digest), size).toEqual(sub_picture_sha256);
    }
  });

  test("the grids of 484 sizes", () => {
    for (const [size, rows] of Object.entries(golden.grid_table)) {
      const got = rows.map(([width, height]) =>
        adaptiveGrids.indexOf(adaptiveGrid({ width, height }, Number(size))),
      );
      expect(got, size).toEqual(rows.map(([, , index]) => index));
    }
  });
});
