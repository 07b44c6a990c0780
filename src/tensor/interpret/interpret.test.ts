import { describe, expect, test } from "vitest";
import * as op from "../index.ts";
import { trace } from "../testing/row.ts";
import { everyRow } from "../testing/rows.ts";

const { dim } = op;

describe("every operator", () => {
  // `interpret` itself checks the computed sizes against the shapes that were worked out while describing.
  test.each(everyRow)("%s", (_, kind, row) => {
    const { results, values } = trace(row);
    // Rows of trivial attributes may describe nothing but their input.
    if (!/^(no axis|a scalar|nothing)$/.test(row.about)) {
      expect(op.nodesOf(results).map((node) => node.kind)).toContain(kind);
    }
    for (const { data } of op.interpret(results, values)) expect([...data].every(Number.isFinite)).toBe(true);
  });
});

describe("what is fed", () => {
  const x = op.input("x", "float32", [dim("batch"), dim("width", 2)]);
  const y = op.input("y", "float32", [dim("batch"), dim("width", 2)]);
  const table = { dims: [2, 2], data: [1, 2, 3, 4] };

  test("computes what several results share once each and gives them in order", () => {
    const sum = op.add(x, y);
    const [product, again] = op.interpret([op.mul(sum, sum), sum], { x: table, y: table });
    expect([...product.data]).toEqual([4, 16, 36, 64]);
    expect([...again.data]).toEqual([2, 4, 6, 8]);
  });

  test("every missing value is named", () => {
    expect(() => op.interpret([op.add(x, y)], {})).toThrow("got none for x, y");
  });

  test("sizes that contradict the shape", () => {
    expect(() => op.interpret([x], { x: { dims: [2, 3], data: [1, 2, 3, 4, 5, 6] } })).toThrow(
      "x [batch, width 2] (batch is 2) holds values of its shape, got [2, 3] with 6 numbers",
    );
  });

  test("one name with two sizes", () => {
    expect(() => op.interpret([op.add(x, y)], { x: table, y: { dims: [1, 2], data: [1, 2] } })).toThrow(
      "y [batch, width 2] (batch is 2) holds values of its shape, got [1, 2]",
    );
  });

  test("too few numbers", () => {
    expect(() => op.interpret([x], { x: { dims: [2, 2], data: [1] } })).toThrow("got [2, 2] with 1 numbers");
  });

  test("an index outside of its table", () => {
    const ids = op.input("ids", "int64", [dim("tokens")]);
    const rows = op.gather(op.input("table", "float32", [dim("rows", 2), dim("width", 2)]), ids);
    expect(() => op.interpret([rows], { table, ids: op.int64([0, -1], [2]) })).toThrow(
      "gather: an index lies in 0..1, got -1",
    );
  });
});
