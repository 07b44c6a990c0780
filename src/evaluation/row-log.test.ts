import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { openRowLog } from "./row-log.ts";

const schema = z.object({ id: z.number() });
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-rows-"));
});
afterAll(() => rm(directory, { recursive: true }));

it("is written by one program at a time", async () => {
  const path = join(directory, "answers.jsonl");
  const first = await openRowLog(path, schema);
  await first.append({ id: 1 });
  await expect(openRowLog(path, schema)).rejects.toThrow(
    /answers.jsonl: must be written by one program at a time/,
  );
  await first.close();
  expect(await readdir(directory)).toEqual(["answers.jsonl"]);
  const second = await openRowLog(path, schema);
  await second.append({ id: 2 });
  await second.close();
  expect(second.rows).toEqual([{ id: 1 }, { id: 2 }]);
});

it("goes on behind whole lines, and is free again after rows that do not fit", async () => {
  const path = join(directory, "torn.jsonl");
  await writeFile(path, '{"id":"x"}\n');
  await expect(openRowLog(path, schema)).rejects.toThrow(/line 1/);
  await writeFile(path, '{"id":1}\n{"id":');
  const log = await openRowLog(path, schema);
  await log.append({ id: 2 });
  await log.close();
  expect(await readFile(path, "utf8")).toBe('{"id":1}\n{"id":2}\n');
});
