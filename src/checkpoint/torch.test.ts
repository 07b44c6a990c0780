import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { openFile } from "../platform/index.ts";
import { float32 } from "../tensor/index.ts";
import {
  loadAdapter,
  loadCheckpoint,
  loraName,
  mergeLora,
  openCheckpoint,
  openTorch,
  readAll,
  readSafetensors,
} from "./index.ts";
import { archive, dictPickle, tensorOperations } from "./testing/pickles.ts";
import { readContent } from "./torch-content.ts";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/torch/${name}`, import.meta.url));

describe.each(["edge.pt", "edge-legacy-nonzip.pt"])("%s, as torch.save writes it", (name) => {
  it("gives every tensor: views, transposed, strided, shared, empty, of all number formats", async () => {
    const expected = await readSafetensors(fixture("edge-expected.safetensors"));
    const read = await readAll(await openTorch(fixture(name)));
    expect(expected.size).toBe(17);
    expect(new Map([...read].sort())).toEqual(new Map([...expected].sort()));
  });

  it("tells names, shapes and number formats before anything is read", async () => {
    const file = await openTorch(fixture(name));
    const types = Object.fromEntries(file.tensors.map((tensor) => [tensor.name, tensor.type]));
    expect(types).toMatchObject({ float64: "F64", bfloat16: "BF16", float16: "F16", bool: "BOOL" });
    expect(file.tensors.find((tensor) => tensor.name === "transposed")?.dims).toEqual([6, 4]);
    await expect(file.read("none")).rejects.toThrow(/holds no tensor "none"/);
    await file.close();
  });
});

it("values beside the tensors are understood, so that they can be passed over", async () => {
  const file = await openFile(fixture("edge.pt"));
  const { value } = await readContent(file);
  await file.close();
  const content = value as Map<string, unknown>;
  expect(content.get("step")).toBe(7);
  expect(content.get("note")).toBe("text é");
  expect(content.get("nested")).toEqual([1, 2.5, null, true, [3, "x"]]);
});

describe("a directory with PyTorch files", () => {
  const bytesOf = (tensors: Readonly<Record<string, readonly number[]>>): Uint8Array => {
    const entries = Object.entries(tensors);
    const described = entries.map(([name, { length }], i) => {
      const tensor = { dims: [1, length], strides: [length, 1], length, key: String(i) };
      return [name, tensorOperations(tensor)] as const;
    });
    return archive([
      { name: "x/data.pkl", data: dictPickle(Object.fromEntries(described)) },
      ...entries.map(([, values], i) => ({
        name: `x/data/${i}`,
        data: new Uint8Array(Float32Array.from(values).buffer),
      })),
    ]);
  };
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "torch-"));
    await writeFile(join(directory, "config.json"), "{}");
  });
  afterAll(() => rm(directory, { recursive: true }));

  it("is a checkpoint: one file, or several with an index", async () => {
    await writeFile(join(directory, "pytorch_model.bin"), bytesOf({ a: [1, 2], b: [3] }));
    const whole = await loadCheckpoint(directory);
    expect([...whole.tensors.get("a")!.data]).toEqual([1, 2]);

    await writeFile(join(directory, "part-1.bin"), bytesOf({ a: [4, 5] }));
    await writeFile(join(directory, "part-2.bin"), bytesOf({ b: [6], "layers.0.rotary_emb.inv_freq": [7] }));
    const weight_map = { a: "part-1.bin", b: "part-2.bin", "layers.0.rotary_emb.inv_freq": "part-2.bin" };
    await writeFile(join(directory, "pytorch_model.bin.index.json"), JSON.stringify({ weight_map }));
    // As in transformers, the whole file counts while it is there.
    expect([...(await loadCheckpoint(directory)).tensors.get("a")!.data]).toEqual([1, 2]);
    await rm(join(directory, "pytorch_model.bin"));
    const { tensors } = await loadCheckpoint(directory);
    expect([...tensors.keys()]).toEqual(["a", "b"]);
    expect([...tensors.get("a")!.data, ...tensors.get("b")!.data]).toEqual([4, 5, 6]);
  });

  it("is an adapter, as PEFT wrote it before safetensors", async () => {
    const [a, b] = [loraName("layer.q_proj", "A"), loraName("layer.q_proj", "B")];
    await writeFile(join(directory, "adapter_model.bin"), bytesOf({ [a]: [1, 2, 3], [b]: [5] }));
    const config = { peft_type: "LORA", r: 1, lora_alpha: 4, target_modules: ["q_proj"] };
    await writeFile(join(directory, "adapter_config.json"), JSON.stringify(config));
    const adapter = await loadAdapter(directory);
    const base = new Map([["layer.q_proj.weight", float32([1, 1, 1], [1, 3])]]);
    expect([...mergeLora(base, adapter).get("layer.q_proj.weight")!.data]).toEqual([21, 41, 61]);
  });
});

describe.skipIf(!sharedAvailable)("PyTorch files of the reference", () => {
  it("make a checkpoint, several files with an index, bfloat16 widened, inv_freq left out", async () => {
    const { tensors } = await loadCheckpoint(shared("golden/tiny-image/torch-bin"));
    const expected = await readSafetensors(
      shared("golden/tiny-image/torch-bin/expected-shard2-float32.safetensors"),
    );
    const whole = await readSafetensors(shared("golden/tiny-image/model.safetensors"));
    for (const [name, tensor] of expected) {
      if (!name.endsWith("inv_freq")) expect(tensors.get(name), name).toEqual(tensor);
    }
    expect(tensors.get("query_tokens")).toEqual(whole.get("query_tokens"));
    expect(tensors.size).toBe(121);
  });

  it("are read a few rows at a time", async () => {
    const { weights } = await openCheckpoint(shared("golden/tiny-image/torch-bin"));
    const name = "language_model.model.embed_tokens.weight";
    const [whole, rows] = [await weights.read(name), await weights.read(name, [1000, 1024])];
    await weights.close();
    expect(rows.dims).toEqual([24, 96]);
    expect(rows.data).toEqual(whole.data.slice(1000 * 96));
  });

  it("hold an adapter as PEFT wrote it before: the same as its safetensors file", async () => {
    const folder = shared("golden/tiny-train/adapter");
    const [torch, directory] = [await loadAdapter(`${folder}/adapter_model.bin`), await loadAdapter(folder)];
    expect(torch.settings).toEqual(directory.settings);
    expect(new Map([...torch.lora].sort())).toEqual(new Map([...directory.lora].sort()));
  });
});
