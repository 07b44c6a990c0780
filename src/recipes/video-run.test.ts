import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { videoFixture } from "../../tests/video-fixture.ts";
import { Owl } from "../owl/index.ts";
import type { TrainingEvent } from "../training/index.ts";
import { prepareRun } from "./run.ts";

let directory: string;
let owl: Awaited<ReturnType<typeof videoFixture>>;
const write = async (name: string, text: string): Promise<string> => {
  await writeFile(join(directory, name), text);
  return join(directory, name);
};

/** Eight frames that get lighter, or darker. */
async function writeFilm(name: string, lighter: boolean): Promise<void> {
  const [width, height, frames] = [8, 8, 8];
  const size = width * height * 3;
  const grey = (frame: number): number => 30 * (lighter ? frame : frames - 1 - frame);
  const data = Buffer.from(Uint8Array.from({ length: size * frames }, (_, i) => grey(Math.floor(i / size))));
  const raw = { width, height: height * frames, channels: 3 as const, pageHeight: height };
  const film = sharp(data, { raw }).webp({ lossless: true, delay: new Array(frames).fill(100) });
  await film.toFile(join(directory, name));
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "owl-video-run-"));
  owl = await videoFixture();
  await writeFilm("day.webp", true);
  await writeFilm("night.webp", false);
  const row = (film: string, answer: string): string =>
    JSON.stringify({ video: [film], text: `Human: <|video|>\nHuman: what happens?\nAI: ${answer}` });
  const text = JSON.stringify({ text: "Human: hi\nAI: hello" });
  await write("films.jsonl", [row("day.webp", "light"), row("night.webp", "dark"), text].join("\n"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
  owl.remove();
});

const recipe = (model: string, output = "run", steps = 12): string =>
  `extends: stage-1\nmodel: ${model}\noutput: ${output}\ndata: [{ file: films.jsonl, content: conversation }]\n` +
  `steps: ${steps}\n` +
  "batch: 3\nmicroBatch: 3\nwarmup: 1\nmaxTokens: 64\nlearningRate: 0.02\nweightDecay: 0\naugment: false\n";

test("a model of the video version learns from videos, and what is written loads as one", async () => {
  const run = await prepareRun(await write("video.yaml", recipe(owl.directory)));
  expect(run.rows).toEqual([3]);
  const losses: number[] = [];
  const onEvent = (event: TrainingEvent): void => {
    if (event.kind === "step") losses.push(event.loss);
  };
  expect(await run.start({ onEvent, device: { threads: 1 } })).toMatchObject({ complete: true });
  expect(losses[losses.length - 1]).toBeLessThan(losses[0] - 0.4);
  const [before, after] = [owl.directory, join(directory, "run/model")].map((path) =>
    Owl.load(path, { threads: 1 }),
  );
  const trained = await after;
  expect(trained.config).toEqual((await before).config);
  const content = [
    { type: "video", video: join(directory, "day.webp") },
    { type: "text", text: "what happens?" },
  ] as const;
  const { ids } = await trained.chat([{ role: "user", content }], { maxNewTokens: 2 }).answer();
  expect(ids).toHaveLength(2);
  await (await before).close();
  await trained.close();
});

test("a recipe says how many frames of a video are seen", async () => {
  const losses: number[] = [];
  for (const frames of [4, 2]) {
    const text = `${recipe(owl.directory, `frames-${frames}`, 2)}framesPerVideo: ${frames}\n`;
    const run = await prepareRun(await write("frames.yaml", text));
    const onEvent = (event: TrainingEvent): void => {
      if (event.kind === "step") losses.push(event.loss);
    };
    await run.start({ onEvent, device: { threads: 1 } });
  }
  expect(losses).toHaveLength(4);
  expect(losses[2]).not.toBe(losses[0]);
});

test("frames per video are two or more, and of a model that takes videos", async () => {
  const few = await write("few.yaml", `${recipe(owl.directory)}framesPerVideo: 1\n`);
  await expect(prepareRun(few)).rejects.toThrow(/framesPerVideo: .*>=2/);
  const pictures = await owlFixture();
  const many = await write("many.yaml", `${recipe(pictures.directory)}framesPerVideo: 8\n`);
  await expect(prepareRun(many)).rejects.toThrow(/framesPerVideo is for models of the video version/);
  pictures.remove();
});

test("a model of pictures refuses rows with videos, by line", async () => {
  const pictures = await owlFixture();
  const path = await write("pictures.yaml", recipe(pictures.directory));
  await expect(prepareRun(path)).rejects.toThrow(/line 1: "video" needs a model of the video version/);
  pictures.remove();
});
