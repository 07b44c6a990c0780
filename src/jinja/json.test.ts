import { expect, test } from "vitest";
import { Float, readTemplate } from "./index.ts";
import { parseVariables } from "./json.ts";

test("numbers with a point or an exponent stay such numbers, and texts as they are", () => {
  const read = parseVariables('{"a": [3.0, -1e2, 2.5, 7], "b": "x: 3.0 \\" 4.0 \\\\", "3.0": {}}');
  expect(read).toEqual({
    a: [new Float(3), new Float(-100), new Float(2.5), 7],
    b: 'x: 3.0 " 4.0 \\',
    "3.0": {},
  });
  const { text } = readTemplate("{{ a | tojson }}{{ a }}").render(read as Record<string, unknown>);
  expect(text).toBe("[3.0, -100.0, 2.5, 7][3.0, -100.0, 2.5, 7]");
});

test("whole numbers that JavaScript cannot hold are refused", () => {
  expect(() => parseVariables('{"id": 123456789012345678}')).toThrow("got 123456789012345678");
  expect(parseVariables('"123456789012345678"')).toBe("123456789012345678");
});

test.each(["", "{", "01.5", ".5", "3.", '{"a": 1.5'])("%j is no JSON", (json) => {
  expect(() => parseVariables(json)).toThrow(SyntaxError);
});
