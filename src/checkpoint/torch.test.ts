import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { openFile } from "../platform/index.ts";
import { loadAdapter, loadCheckpoint, openCheckpoint, openTorch, readAll, readSafetensors } from "./index.ts";
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
