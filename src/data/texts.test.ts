import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { jsonlSource } from "./formats/jsonl.ts";
import { textsOf } from "./texts.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-texts-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function textsIn(name: string, content: string | Uint8Array): Promise<string[]> {
  await writeFile(join(directory, name), content);
  return textsOf(join(directory, name));
}

it("texts of rows are read as training reads them: marks of files, ends of lines", async () => {
  const rows = '\ufeff{"text":"one\\r\\ntwo"}\r{"text":"a<image>b<|video|>c"}\r';
  expect(await textsIn("rows.jsonl", rows)).toEqual(["one\ntwo", "a", "b", "c"]);
  expect(await textsIn("plain.txt", "\ufeffone\rtwo\r\n\r\nthree")).toEqual(["one", "two", "three"]);
});

it("what training refuses is refused, all of it at once", async () => {
  const rows = Buffer.from('{"text":"h\xe9"}\n{"text":"fine"}\n[1]\n{"text":"fine"}', "latin1");
  await expect(textsIn("latin.jsonl", rows)).rejects.toThrow(
    /line 1: must be UTF-8[\s\S]*line 3: must be a JSON/,
  );
  await expect(textsIn("lost.jsonl", '{"text":"lost \ufffd"}')).rejects.toThrow(/line 1: .*U\+FFFD/);
  await expect(textsIn("array.jsonl", '[{"text":"a"}]')).rejects.toThrow(/got one JSON array/);
});

it("a file without texts makes no tokenizer", async () => {
  await expect(textsIn("empty.jsonl", "")).rejects.toThrow(/must hold texts/);
  await expect(textsIn("blank.txt", " \n\n")).rejects.toThrow(/must hold texts/);
});

it("rows name their pictures by file: URLs too", async () => {
  const picture = join(directory, "a picture.svg");
  await writeFile(picture, '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>');
  const path = join(directory, "urls.jsonl");
  const row = (image: string): string => JSON.stringify({ image: [image], text: "Human: <image>\nAI: x" });
  await writeFile(path, row(pathToFileURL(picture).href));
  expect((await (await jsonlSource(path)).example(0)).images).toHaveLength(1);
  await writeFile(path, row("file://elsewhere/a.svg"));
  await expect(jsonlSource(path)).rejects.toThrow(/line 1: "image" must be a list of file names, got file:/);
});
