import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { readImageHeader as readInBrowser } from "../browser/media/image-decoder.ts";
import { withKnownBrand } from "./avif-brand.ts";
import { decodePixels, readImageHeader } from "./image-decoder.ts";

const base = new Uint8Array(
  readFileSync(new URL("../../../tests/fixtures/strangers/base.avif", import.meta.url)),
);
const options = { decoding: "colour", orient: true, maxPixels: 1e6 } as const;

it.each([
  "avis",
  "MA1A",
  "MA1B",
  "miaf",
  "mif1",
  "msf1",
])("an AVIF file whose major brand is %s is the same picture", async (brand) => {
  const given = base.slice();
  given.set(new TextEncoder().encode(brand), 8);
  // What it is stands among the other brands.
  given.set(new TextEncoder().encode("avif"), 16);
  const header = { width: 64, height: 32, format: "heif" };
  expect(await readImageHeader(given)).toMatchObject(header);
  expect(await readInBrowser(given)).toMatchObject(header);
  expect(await decodePixels(given, options)).toEqual(await decodePixels(base, options));
});

it("other files stay as they are", () => {
  const heic = base.slice();
  heic.set(new TextEncoder().encode("heicheicheicheicheic").subarray(0, 20), 8);
  for (const bytes of [base, heic, new Uint8Array(0)]) expect(withKnownBrand(bytes)).toBe(bytes);
});
