import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { readSafetensors } from "../checkpoint/index.ts";
import { decodeImage } from "./image.ts";
import { normalisationTable, toPixelValues } from "./pixel-values.ts";
import { CLIP_PREPROCESSOR, type Preprocessor } from "./preprocessor.ts";

interface Golden {
  readonly pictures: readonly {
    readonly file: string;
    readonly rules: Readonly<Record<string, { tensor: string; sha256_448: string }>>;
  }[];
}

/** The reference's names of the rules. */
const fits = { resize: "stretch", pad: "pad", square: "crop" } as const;

/** The levels that pixel values were made of: [3, size, size]. */
function levelsOf(values: Float32Array, preprocessor: Preprocessor): Uint8Array {
  const table = normalisationTable(preprocessor);
  const plane = values.length / 3;
  const levels = [0, 1, 2].map(
    (channel) =>
      new Map([...table.subarray(channel * 256, (channel + 1) * 256)].map((value, level) => [value, level])),
  );
  return Uint8Array.from(values, (value, i) => levels[Math.floor(i / plane)].get(value)!);
}

describe.skipIf(!sharedAvailable)(
  "mPLUG-Owl2's pictures against the original code, byte by byte",
  async () => {
    const folder = "golden/tiny-owl2";
    const golden: Golden = sharedAvailable
      ? JSON.parse(await readFile(shared(`${folder}/preprocess.json`), "utf8"))
      : { pictures: [] };
    const tensors = sharedAvailable
      ? await readSafetensors(shared(`${folder}/pixels.safetensors`))
      : new Map();

    test.each(golden.pictures)("$file", async ({ file, rules }) => {
      const picture = await decodeImage(shared(file.replace("OwlEval", "owleval")));
      for (const [rule, fit] of Object.entries(fits)) {
        const { tensor, sha256_448 } = rules[rule];
        const small = { ...CLIP_PREPROCESSOR, size: 56, fit };
        expect(levelsOf(toPixelValues(picture, small), small), rule).toEqual(tensors.get(tensor)!.data);
        const large = { ...CLIP_PREPROCESSOR, size: 448, fit };
        const levels = levelsOf(toPixelValues(picture, large), large);
        expect(createHash("sha256").update(levels).digest("hex"), rule).toBe(sha256_448);
      }
    });
  },
);
