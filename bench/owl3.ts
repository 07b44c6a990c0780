import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import type { ConversionSettings } from "../src/quantization/index.ts";
import { skipChromium } from "../tests/setup/chromium.ts";
import { printInBrowser } from "./browser.ts";
import { ownLine } from "./child.ts";
import { writeOwl3 } from "./owl3-model.ts";
import { photograph, QUESTION } from "./photograph.ts";
import { printLine } from "./processor.ts";

const inNode = fileURLToPath(new URL("owl3-memory.ts", import.meta.url));

const seconds = (since: number): number => (performance.now() - since) / 1000;

/** Makes a model and tells what that takes. */
async function make(directory: string, settings: ConversionSettings): Promise<void> {
  const began = performance.now();
  await writeOwl3(directory, settings);
  const gb = statSync(join(directory, "model.safetensors")).size / 1e9;
  printLine({ step: "make", ...settings, gb, seconds: seconds(began) });
}

/**
 * `bench owl3 [threads]`: writes an mPLUG-Owl3-1B of random numbers in 4 bits into a temporary folder and asks it about photographs of
 * 1,000 × 700 pixels, which are cut. Each part runs in a process of its own, the last in a page of Chromium, where there is one, with the
 * weights in rows that the documents recommend for WebAssembly.
 */
export async function owl3Bench([threads = "2"]: readonly string[]): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "owl3-1b-"));
  const [blocks, rows] = ["blocks", "rows"].map((layout) => join(work, layout));
  try {
    await make(blocks, { quantize: "q4" });
    for (const step of ["one", "chat"]) printLine(ownLine<object>(inNode, [step, blocks, threads]));
    if (skipChromium) return;
    await make(rows, { quantize: "q8", blockSize: "row" });
    const pictures = [join(work, "photograph.png")];
    const { data, width, height } = photograph(1);
    await sharp(data, { raw: { width, height, channels: 3 } }).toFile(pictures[0]);
    printInBrowser({ directory: rows, pictures, question: QUESTION, threads: Number(threads) });
  } finally {
    rmSync(work, { recursive: true });
  }
}
