import { describe, expect, it } from "vitest";
import { DataError, type Source } from "./example.ts";
import { shuffled } from "./order.ts";
import { readableRows, SkippedRows, withoutBadRows } from "./skipped-rows.ts";

const rowsOf = (bad: readonly number[], length = 10): Source<number> => ({
  length,
  nameOf: (index) => `rows.jsonl:${index + 1}`,
  example: async (index) => {
    if (bad.includes(index)) throw new DataError(`rows.jsonl:${index + 1}: no picture`);
    return index;
  },
});
const read = async (source: Source<number>, from: number, to: number): Promise<number[]> => {
  const found: number[] = [];
  for (let index = from; index < to; index++) found.push(await source.example(index));
  return found;
};

describe("rows that cannot be read", () => {
  it("give their place to the next that can, told once, and the same again in a run that goes on", async () => {
    const skipped = new SkippedRows(2);
    const source = withoutBadRows(shuffled(rowsOf([3, 4]), 5), skipped);
    const found = await read(source, 0, 40);
    const plain = await read(shuffled(rowsOf([]), 5), 0, 50);
    const expected = plain
      .slice(0, 40)
      .map((_, index) => plain.slice(index).find((row) => row !== 3 && row !== 4));
    expect(found).toEqual(expected);
    expect(skipped.takeUnreported().map(({ row, reason }) => [row, reason])).toEqual(
      expect.arrayContaining([
        ["rows.jsonl:4", "rows.jsonl:4: no picture"],
        ["rows.jsonl:5", "rows.jsonl:5: no picture"],
      ]),
    );
    expect(skipped.names.toSorted()).toEqual(["rows.jsonl:4", "rows.jsonl:5"]);

    const later = new SkippedRows(2);
    const again = withoutBadRows(shuffled(rowsOf([3, 4]), 5), later);
    later.restore(skipped.names);
    expect(await read(again, 20, 40)).toEqual(expected.slice(20));
    expect(later.takeUnreported()).toEqual([]);
  });

  it("end the run where there are more of them than allowed, or something else is wrong", async () => {
    const source = withoutBadRows(shuffled(rowsOf([1, 2, 3]), 5), new SkippedRows(2));
    await expect(read(source, 0, 10)).rejects.toThrow(/no picture; 2 such rows were left out already/);
    const none = withoutBadRows(shuffled(rowsOf([1]), 5), new SkippedRows(0));
    await expect(read(none, 0, 10)).rejects.toThrow(/^rows.jsonl:2: no picture$/);
    const broken: Source<number> = { ...rowsOf([]), example: () => Promise.reject(new TypeError("a fault")) };
    await expect(withoutBadRows(broken, new SkippedRows(9)).example(0)).rejects.toThrow("a fault");
    const all = withoutBadRows(shuffled(rowsOf([0, 1]), 5), new SkippedRows(20));
    expect(await read(all, 0, 3)).toHaveLength(3);
    await expect(withoutBadRows(shuffled(rowsOf([0], 1), 5), new SkippedRows(9)).example(0)).rejects.toThrow(
      "no picture",
    );
  });

  it("are left out of a finite source", async () => {
    const skipped = new SkippedRows(2);
    const rest = await readableRows(rowsOf([0, 2], 4), skipped);
    expect(await read(rest, 0, rest.length)).toEqual([1, 3]);
    expect(rest.nameOf?.(1)).toBe("rows.jsonl:4");
    expect(skipped.takeUnreported().map(({ row, replacedBy }) => [row, replacedBy])).toEqual([
      ["rows.jsonl:1", undefined],
      ["rows.jsonl:3", undefined],
    ]);
    await expect(readableRows(rowsOf([0, 2], 4), new SkippedRows(1))).rejects.toThrow(
      /rows.jsonl:3: no picture; 1/,
    );
  });

  it("are told once, whichever processes read them, and count together", () => {
    const skipped = new SkippedRows(2);
    const row = (name: string, replacedBy?: string) => ({
      row: name,
      reason: `${name}: no picture`,
      replacedBy,
    });
    expect(skipped.tellOnce([row("a:1", "a:2"), row("a:1"), row("a:1", "a:2")])).toHaveLength(2);
    expect(skipped.tellOnce([row("a:1", "a:9")])).toEqual([]);
    expect(skipped.tellOnce([row("b:1", "b:2")])).toHaveLength(1);
    expect(skipped.names).toEqual(["a:1", "a:1 (held out)", "b:1"]);
    expect(() => skipped.tellOnce([row("c:1", "c:2")])).toThrow(
      "c:1: no picture; 2 such rows were left out already, as many as allowed",
    );
  });
});
