import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { openRows, RowLengths, rowName, shuffled } from "../data/index.ts";
import { exampleSources } from "./data-files.ts";

const fixture = fileURLToPath(new URL("../../tests/fixtures/rows/groups.parquet", import.meta.url));

it("examples of a file keep all that is known of its source, so rows are shuffled by row groups", async () => {
  const source = await openRows(fixture, { columns: { image: "photo" } });
  const lengths = new RowLengths(new Uint32Array(source.length).fill(7));
  const opened = (given: typeof source) => ({ source: given, content: "conversation", lengths }) as const;
  const [examples] = exampleSources([opened(source)]);
  expect(Object.keys(examples)).toEqual(expect.arrayContaining(Object.keys(source)));
  expect(examples).toMatchObject({ length: source.length, groups: source.groups });
  expect(await examples.example(3)).toMatchObject({ content: "conversation" });
  expect([examples.nameOf?.(3), examples.tokensOf?.(3)]).toEqual([source.nameOf(3), 7]);

  // As if each group filled the memory for them.
  const groups = source.groups!.map((group) => ({ ...group, bytes: 2 ** 30 }));
  expect(groups.length).toBeGreaterThan(1);
  const rows = shuffled(exampleSources([opened({ ...source, groups })])[0], 7);
  const read = Array.from({ length: source.length }, (_, i) => {
    const row = Number(rowName(rows, i).replace(/.*:/, "")) - 1;
    return groups.findIndex(({ end }) => row < end);
  });
  expect(read.filter((group, i) => i > 0 && group !== read[i - 1])).toHaveLength(groups.length - 1);
});
