import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LoadedModel, mediaFromPixels, type Prompt } from "../inference/index.ts";
import { loadParts } from "../owl/index.ts";
import { xoshiro128 } from "../primitives/index.ts";
import { convertCheckpoint } from "../quantization/index.ts";
import { Engine } from "./engine.ts";
import { completeSettings } from "./settings.ts";

const source = fileURLToPath(new URL("../../tests/fixtures/model", import.meta.url));
const slots = new Array<number>(9).fill(-1);
const settings = completeSettings({ maxNewTokens: 8, eosTokenIds: [], doSample: false });

let directory: string;
/** In few bits, from its file: its vision encoder is compiled for each image. */
let model: LoadedModel;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "encoding-"));
  await convertCheckpoint(source, directory, { quantize: "q8", blockSize: 32 });
  model = (await loadParts(directory, { threads: 1 })).model;
});
afterAll(async () => {
  await model.close();
  await rm(directory, { recursive: true });
});

async function promptOf(seed: number): Promise<Prompt> {
  const random = xoshiro128(seed);
  const picture = await mediaFromPixels(Float32Array.from({ length: 3 * 56 * 56 }, () => 2 * random() - 1));
  return { ids: [1, 40, 50, 51, ...slots, 60, 61], pictures: [picture] };
}

/** The model with another way to encode images. */
function encodingBy(visualTokens: LoadedModel["visualTokens"]): LoadedModel {
  return new Proxy(model, {
    get: (target, key) => {
      if (key === "visualTokens") return visualTokens;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("what stands before an image is computed while that is encoded", async () => {
  const engine = Engine.offline(
    encodingBy(async (...asked) => {
      // Without an end if nothing were computed before.
      while (engine.statistics.prefillRuns === 0) await new Promise(setImmediate);
      return model.visualTokens(...asked);
    }),
    {},
  );
  const prompt = await promptOf(1);
  const answer = await engine.answer({ prompt, settings });
  expect(engine.statistics.prefillRuns).toBe(2);
  expect(answer.cachedTokens).toBe(0);
  await engine.close();
  const usual = Engine.offline(model, {});
  expect((await usual.answer({ prompt: await promptOf(1), settings })).ids).toEqual(answer.ids);
  // A further turn has the image in its cached prefix.
  const ids = [...prompt.ids, ...answer.ids, 70];
  const turn = await usual.answer({ prompt: { ...prompt, ids }, settings });
  expect(turn.cachedTokens).toBeGreaterThanOrEqual(prompt.ids.length);
  await usual.close();
});

test("an image that cannot be encoded fails its answer, and the next one is made", async () => {
  let fails = true;
  const engine = Engine.offline(
    encodingBy(async (...asked) => {
      if (fails) throw new Error("no such image");
      return model.visualTokens(...asked);
    }),
    {},
  );
  const prompt = await promptOf(2);
  await expect(engine.answer({ prompt, settings })).rejects.toThrow("no such image");
  fails = false;
  const { ids } = await engine.answer({ prompt, settings });
  expect(ids).toHaveLength(8);
  await engine.close();
});

test("a request that ends while its image is encoded ends at once", async () => {
  const control = new AbortController();
  const engine = Engine.offline(
    encodingBy(
      (_media, _most, signal) =>
        new Promise((_resolve, reject) => {
          signal!.addEventListener("abort", () => reject(signal!.reason));
          control.abort(new Error("enough"));
        }),
    ),
    {},
  );
  const prompt = await promptOf(3);
  await expect(engine.answer({ prompt, settings, signal: control.signal })).rejects.toThrow("enough");
  await engine.close();
});

test("prompts of one tick are computed together as before", async () => {
  const engine = Engine.offline(model, {});
  const texts = [
    [1, 40, 50, 60],
    [1, 41, 51],
  ].map((ids): Prompt => ({ ids, pictures: [] }));
  await Promise.all(texts.map((prompt) => engine.answer({ prompt, settings })));
  expect(engine.statistics.prefillRuns).toBe(1);
  await engine.close();
  const mixed = Engine.offline(model, {});
  const prompts = [await promptOf(4), await promptOf(5)];
  await Promise.all(prompts.map((prompt) => mixed.answer({ prompt, settings })));
  expect(mixed.statistics.prefillRuns).toBe(1);
  await mixed.close();
});

test("an image that was encoded before is not waited for, and a request that comes meanwhile is answered", async () => {
  const engine = Engine.offline(model, {});
  const prompt = await promptOf(6);
  await model.visualTokens(prompt.pictures);
  await engine.answer({ prompt, settings });
  expect(engine.statistics.prefillRuns).toBe(1);
  await engine.close();
  const events: string[] = [];
  const busy = Engine.offline(
    encodingBy(async (...asked) => {
      while (!events.includes("text")) await new Promise(setImmediate);
      return model.visualTokens(...asked);
    }),
    {},
  );
  const seen = busy.answer({ prompt: await promptOf(7), settings }).then(() => events.push("picture"));
  await new Promise(setImmediate);
  await busy.answer({ prompt: { ids: [1, 42, 52], pictures: [] }, settings });
  events.push("text");
  await seen;
  expect(events).toEqual(["text", "picture"]);
  await busy.close();
});
