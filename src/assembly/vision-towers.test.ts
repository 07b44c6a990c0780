// Owls of towers that are no CLIP: the tower's own numbers through the whole way (tests/fixtures/towers/make.py).

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint, readSafetensors, type StateDict } from "../checkpoint/index.ts";
import { loadPixelValues, statedPreprocessor } from "../image/index.ts";
import { Owl } from "../owl/index.ts";
import { convertCheckpoint } from "../quantization/index.ts";
import { prepareRun } from "../recipes/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import { type AssemblyOptions, assembleOwl, probeVision } from "./index.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/${path}`, import.meta.url));
const picture = fixture("towers/pictures/rgb.png");
const expected = await readSafetensors(fixture("towers/expected.safetensors"));

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "owl-towers-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

let made = 0;
async function assembled(vision: string, options: Partial<AssemblyOptions> = {}): Promise<string> {
  const output = join(directory, `owl-${made++}`);
  const parts = { vision, language: fixture("parts/llama3"), queries: 3, abstractorLayers: 1 };
  await assembleOwl(output, { ...parts, ...options });
  return output;
}

/** A copy of a tower with a preprocessor_config.json. */
function prepared(folder: string, preprocessing: object): string {
  const copy = join(directory, `tower-${made++}`);
  cpSync(fixture(`towers/${folder}`), copy, { recursive: true });
  writeFileSync(join(copy, "preprocessor_config.json"), JSON.stringify(preprocessing));
  return copy;
}

/** The largest difference of what an owl sees from what transformers sees. */
async function blindness(owl: Owl, name: string): Promise<number> {
  const pixels = expected.get(`${name}.pixel_values`) as HostTensor<"float32">;
  const { visionHiddenState: got } = await owl.forward({ ids: [new Array(8).fill(-1)], pixels });
  const wanted = expected.get(`${name}.last_hidden_state`)!;
  expect(got?.dims).toEqual(wanted.dims);
  const numbers = Array.from<number | bigint, number>(wanted.data, Number);
  return Math.max(...numbers.map((value, i) => Math.abs(value - Number(got!.data[i]))));
}

const imagenet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const dinoProcessor = (edge: number, side: number) => ({
  image_processor_type: "BitImageProcessor",
  ...imagenet,
  do_center_crop: true,
  size: { shortest_edge: edge },
  crop_size: { height: side, width: side },
});
const siglipProcessor = {
  image_processor_type: "SiglipImageProcessor",
  size: { height: 30, width: 30 },
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
  resample: 2,
};

describe.each([
  ["siglip", 30, 4, siglipProcessor],
  // Its config.json says 37 pixels: the positions are interpolated for what its preprocessing makes.
  ["dinov2", 20, 3, dinoProcessor(23, 20)],
  ["dinov2-registers", 50, 8, dinoProcessor(57, 50)],
  ["dinov3", 33, 5, { image_processor_type: "DINOv3ViTImageProcessorFast", size: { height: 33, width: 33 } }],
] as const)("an owl of %s", (folder, size, side, processor) => {
  let owl: Owl;
  beforeAll(async () => {
    owl = await Owl.load(await assembled(prepared(folder, processor)), { threads: 1 });
  });
  afterAll(() => owl.close());

  test("sees what the tower saw", async () => {
    expect(await blindness(owl, `${folder}.${size}`)).toBeLessThan(1e-5);
  });

  test("prepares pictures as the tower's file says", async () => {
    const content = [{ type: "image" as const, image: picture }];
    const { pictures } = await owl.prompt([{ role: "user", content }]);
    const own = statedPreprocessor(processor, "x");
    expect(pictures[0].pixels).toEqual(await loadPixelValues(picture, own));
  });

  test("looks at patches, and at nothing in front of them", async () => {
    const { rows, columns, heads, framing, maps } = await owl.attention(picture);
    const { fit, edge = size } = statedPreprocessor(processor, "x");
    expect(framing).toEqual({ fit, edge, size, covered: side * owl.config.vision.patchSize });
    expect([rows, columns, maps.length]).toEqual([side, side, heads * 3 * side * side]);
    const sum = maps.subarray(0, side * side).reduce((a, b) => a + b);
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(1);
  });
});

describe("pictures of another size", () => {
  test("positions are interpolated, and as much of a picture is seen", async () => {
    const path = await assembled(prepared("dinov2-registers", dinoProcessor(42, 37)), { imageSize: 20 });
    const owl = await Owl.load(path, { threads: 1 });
    expect(await blindness(owl, "dinov2-registers.20")).toBeLessThan(1e-5);
    await owl.close();
    const written = JSON.parse(readFileSync(join(path, "preprocessor_config.json"), "utf8"));
    expect(written).toMatchObject({ crop_size: { height: 20 }, size: { shortest_edge: 23 }, fit: "crop" });
    const { weights } = await openCheckpoint(path);
    const types = weights.tensors
      .filter(({ name }) => name.startsWith("vision_model."))
      .map((one) => one.type);
    expect(types.filter((type) => type === "F32")).toHaveLength(1);
    await weights.close();
  });

  test("a tower whose two files disagree is asked for at a size", async () => {
    const vision = prepared("siglip", { ...siglipProcessor, size: { height: 45, width: 45 } });
    await expect(assembled(vision)).rejects.toThrow(
      /must make pictures of 30 pixels.*45 pixels.*--image-size 45/,
    );
    const owl = await Owl.load(await assembled(vision, { imageSize: 45 }), { threads: 1 });
    expect(await blindness(owl, "siglip.45")).toBeLessThan(1e-5);
    await owl.close();
    await expect(assembled(vision, { imageSize: 6 })).rejects.toThrow(
      /image_size: must be at least patch_size \(7\)/,
    );
  });
});

test.each([
  ["siglip", 30],
  ["dinov2", 37],
  ["dinov2-registers", 37],
  ["dinov3", 20],
] as const)("four and eight bits of %s: the same sight but for rounding, and the same preprocessing", async (folder, side) => {
  const path = await assembled(fixture(`towers/${folder}`));
  const small = join(directory, `small-${made++}`);
  await convertCheckpoint(path, small, { quantize: "q4", blockSize: 32 });
  const file = (of: string): unknown =>
    JSON.parse(readFileSync(join(of, "preprocessor_config.json"), "utf8"));
  expect(file(small)).toEqual(file(path));
  const pixels = expected.get(`${folder}.${side}.pixel_values`)!;
  const states = await Promise.all(
    [path, small].map(async (model) => {
      const results = await probeVision(model, new Map([["pixel_values", pixels]]), { threads: 1 });
      return Array.from(results.get("last_hidden_state")!.data, Number);
    }),
  );
  const wanted = Array.from(expected.get(`${folder}.${side}.last_hidden_state`)!.data, Number);
  const [whole, rounded] = states.map((state) =>
    Math.max(...wanted.map((value, i) => Math.abs(value - state[i]))),
  );
  expect(whole).toBeLessThan(1e-5);
  expect(rounded).toBeGreaterThan(1e-3);
  expect(rounded).toBeLessThan(0.15);
});

async function read(path: string): Promise<StateDict> {
  const { weights } = await openCheckpoint(path);
  const tensors: StateDict = new Map();
  for (const { name } of weights.tensors) tensors.set(name, await weights.read(name));
  await weights.close();
  return tensors;
}

test("stage 1 trains every part of the tower, with pictures cut out at random, and keeps its preprocessing", async () => {
  const path = await assembled(prepared("dinov2-giant", dinoProcessor(42, 37)));
  const run = join(directory, "run");
  writeFileSync(join(directory, "pictures.jsonl"), JSON.stringify({ image: [picture], text: "an owl" }));
  const recipe = [
    "extends: stage-1",
    `model: ${path}`,
    `output: ${run}`,
    "data: [{ file: pictures.jsonl }]",
    "steps: 1\nbatch: 2\nmicroBatch: 1\nmaxTokens: 24\nwarmup: 0\nlearningRate: 0.01",
  ];
  writeFileSync(join(directory, "stage-1.yaml"), recipe.join("\n"));
  await (await prepareRun(join(directory, "stage-1.yaml"))).start({ device: { threads: 1 } });
  const [before, after] = [await read(path), await read(join(run, "model"))];
  const still = [...before].filter(([name, { data }]) =>
    data.every((value, i) => value === after.get(name)!.data[i]),
  );
  expect(still.map(([name]) => name).filter((name) => !name.startsWith("language_model."))).toEqual([]);
  const file = (of: string) => readFileSync(join(of, "preprocessor_config.json"), "utf8");
  expect(JSON.parse(file(join(run, "model")))).toEqual(JSON.parse(file(path)));
});
