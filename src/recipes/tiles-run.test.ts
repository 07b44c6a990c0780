import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { tokensPerImage } from "../model/index.ts";
import { Owl } from "../owl/index.ts";
import { convertCheckpoint } from "../quantization/index.ts";
import type { TrainingEvent } from "../training/index.ts";
import { prepareRun } from "./run.ts";

let directory: string;
let base: Awaited<ReturnType<typeof owlFixture>>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-tiles-run-"));
  base = await owlFixture();
  const wide = sharp({ create: { width: 112, height: 56, channels: 3, background: "teal" } });
  // Shown upright, it is tall: two rows of tiles.
  await wide.jpeg().withMetadata({ orientation: 6 }).toFile(join(directory, "page.jpg"));
  const row = { image: ["page.jpg"], text: "Human: <image>\nHuman: what is this?\nAI: a page" };
  await writeFile(join(directory, "pages.jsonl"), `${JSON.stringify(row)}\n${JSON.stringify(row)}\n`);
});
afterAll(async () => {
  await rm(directory, { recursive: true });
  base.remove();
});

const recipe = (): string =>
  `extends: ureader\nmodel: ${base.directory}\noutput: run\ndata: [{ file: pages.jsonl }]\n` +
  `steps: 4\nbatch: 2\nmicroBatch: 2\nwarmup: 1\nmaxTokens: 96\nlearningRate: 0.01\n`;

async function written(text: string): Promise<string> {
  await writeFile(join(directory, "reader.yaml"), text);
  return join(directory, "reader.yaml");
}

test("a whole-picture owl becomes a reader in tiles, loads as one, and does so in four bits", async () => {
  const run = await prepareRun(await written(recipe()));
  const losses: number[] = [];
  const onEvent = (event: TrainingEvent): void => {
    if (event.kind === "step") losses.push(event.loss);
  };
  expect(await run.start({ onEvent, device: { threads: 1 } })).toMatchObject({ complete: true });
  expect(losses[3]).toBeLessThan(losses[0] - 0.4);
  const model = join(directory, "run/model");
  const settings = JSON.parse(await readFile(join(model, "tokenizer_config.json"), "utf8"));
  expect(settings.prompt_template).toMatchObject({ system: "", cut: "turns" });
  const small = join(directory, "small");
  await convertCheckpoint(model, small, { quantize: "q4", blockSize: 32 });
  for (const path of [model, small]) {
    const owl = await Owl.load(path, { threads: 1 });
    expect(owl.config.tilePositions).toBe(15);
    const content = [
      { type: "image", image: join(directory, "page.jpg") },
      { type: "text", text: "what is this?" },
    ] as const;
    const prompt = await owl.prompt([{ role: "user", content }]);
    const places = [
      [11, 11],
      [0, 0],
      [1, 0],
    ];
    expect(prompt.pictures.map(({ position }) => position)).toEqual(places);
    expect(prompt.ids.filter((id) => id < 0)).toHaveLength(3 * tokensPerImage(owl.config));
    expect((await owl.generate(prompt, { maxNewTokens: 2, eosTokenIds: [] })).ids).toHaveLength(2);
    await owl.close();
  }
});

test("the tiles of a row count in its length before anything is decoded", async () => {
  const path = await written(recipe().replace("maxTokens: 96", "maxTokens: 36"));
  await expect(prepareRun(path)).rejects.toThrow("an answer must begin within 36 tokens");
});
