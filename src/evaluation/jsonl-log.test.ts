import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { openJsonlLog, readJsonl } from "./jsonl-log.ts";

const schema = z.object({ said: z.string() });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-rows-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const fileOf = (content: string | Uint8Array): string => {
  const path = join(folder, "rows.jsonl");
  writeFileSync(path, content);
  return path;
};

test("a byte order mark in front is no part of the first row, and another encoding is told", async () => {
  expect(await readJsonl(fileOf('\ufeff{"said": "é"}\n{"said": "b"}\n'), schema)).toEqual([
    { said: "é" },
    { said: "b" },
  ]);
  await expect(
    readJsonl(fileOf(Buffer.from('{"said": "a"}\n{"said": "\xe9"}\n', "latin1")), schema),
  ).rejects.toThrow("rows.jsonl: must be UTF-8 text, got line 2 in another encoding");
});

test("a last line that was torn in the middle of a letter is cut off, and no byte more", async () => {
  const whole = Buffer.from('\ufeff{"said": "é"}\n');
  const torn = Buffer.from('{"said": "🦉').subarray(0, -2);
  const path = fileOf(Buffer.concat([whole, torn]));
  expect(await readJsonl(path, schema)).toEqual([{ said: "é" }]);
  const log = await openJsonlLog(path, schema);
  await log.append({ said: "next" });
  await log.close();
  expect(readFileSync(path, "utf8")).toBe('\ufeff{"said": "é"}\n{"said":"next"}\n');
});
