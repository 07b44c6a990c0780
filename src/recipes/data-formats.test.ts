import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import type { TrainingEvent } from "../training/index.ts";
import { prepareRun } from "./run.ts";

let directory: string;
let owl: Awaited<ReturnType<typeof owlFixture>>;
const write = async (name: string, content: string | object): Promise<string> => {
  const path = join(directory, name);
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
};
const recipe = (name: string, data: string): Promise<string> =>
  write(
    `${name}.yaml`,
    `extends: stage-2\nmodel: ${owl.directory}\noutput: ${name}\ndata: [${data}]\nsteps: 2\nbatch: 4\nwarmup: 1\npacking: separate\nmaxTokens: 64\n`,
  );

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-data-formats-"));
  owl = await owlFixture();
  const picture = sharp({ create: { width: 20, height: 20, channels: 3, background: "red" } });
  const url = `data:image/png;base64,${(await picture.png().toBuffer()).toString("base64")}`;
  await write("talk.jsonl", '{"text": "Human: hi\\nAI: hello"}');
  await write("llava.json", [
    {
      image: url,
      conversations: [
        { from: "human", value: "<image>\nwhich color?" },
        { from: "gpt", value: "red" },
      ],
    },
  ]);
  await write("chats.json", [
    {
      messages: [
        { role: "user", content: "a\nAI: b" },
        { role: "assistant", content: "hello" },
      ],
    },
  ]);
  await write("captions.json", [{ photo: url, caption: "a red one" }]);
  const shards = fileURLToPath(new URL("../../tests/fixtures/rows/gnu.tar", import.meta.url));
  for (const folder of ["shards", "things", "things/owl"]) await mkdir(join(directory, folder));
  await copyFile(shards, join(directory, "shards", "0.tar"));
  await picture
    .clone()
    .png()
    .toFile(join(directory, "things", "owl", "1.png"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
  await owl.remove();
});

it("files of several formats are mixed in one run, captions as answers where the recipe asks", async () => {
  const path = await recipe(
    "mixed",
    '{ file: talk.jsonl }, { file: llava.json }, { file: chats.json }, { file: captions.json, columns: { image: photo }, question: "what is this?" }, { file: shards }, { file: things, question: "what is it?" }',
  );
  const run = await prepareRun(path, { dataThreads: 1 });
  expect(run.rows).toEqual([1, 1, 1, 1, 2, 1]);
  expect(run.promptTemplate.template.system).toBe("");
  const events: TrainingEvent[] = [];
  const { complete } = await run.start({ onEvent: (event) => events.push(event) });
  expect(complete).toBe(true);
  expect(events.filter(({ kind }) => kind === "step")).toHaveLength(2);
});

it("what is wrong in files of several formats is told at once, with what is wrong in the recipe", async () => {
  await write("bad.json", [{ conversations: [{ from: "human", value: "hi" }] }]);
  await write("worse.json", [{ messages: [{ role: "tool", content: "hi" }] }]);
  const data = "{ file: bad.json }, { file: worse.json, format: messages }";
  await expect(prepareRun(await recipe("bad", data))).rejects.toThrow(
    /bad\.json: .*item 1: must have an answer.*worse\.json: .*item 1: message 1 must be/s,
  );
  await expect(
    prepareRun(await recipe("wrong", `${data}, { file: bad.json, format: lava }`)),
  ).rejects.toThrow(/format: .*got "lava".*item 1: must have an answer/s);
});
