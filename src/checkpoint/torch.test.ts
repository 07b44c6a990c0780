import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openFile } from "../platform/index.ts";
import { openTorch, readAll, readSafetensors } from "./index.ts";
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
