import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { Decoder, type LoadedModel } from "../inference/index.ts";
import { loadParts, Owl } from "../owl/index.ts";

const owlNano = fileURLToPath(new URL("../../models/owl-nano", import.meta.url));
const picture = fileURLToPath(new URL("../../examples/owl.png", import.meta.url));

/** The logits after every token of a text, the last ones by decode steps. */
async function logitsOf(
  model: LoadedModel,
  ids: readonly number[],
  decoded: number,
): Promise<Float32Array[]> {
  const decoder = new Decoder(model, model.newCache(1, ids.length));
  const prompt = ids.slice(0, ids.length - decoded);
  const rows = await decoder.prefill([{ ids: prompt, spans: [] }], new Float32Array(), 0, {
    everyToken: true,
  });
  const all = rows.map((row) => row.slice());
  for (const id of ids.slice(-decoded)) all.push((await decoder.decode([id]))[0].slice());
  return all;
}

/** The error's root mean square as a share of the logits' standard deviation, and how often the likeliest token is the same. */
function lossOf(exact: readonly Float32Array[], got: readonly Float32Array[]) {
  let [count, sum, squares, errors, same] = [0, 0, 0, 0, 0];
  const best = (row: Float32Array): number => row.indexOf(row.reduce((a, b) => Math.max(a, b)));
  for (const [i, row] of exact.entries()) {
    if (best(row) === best(got[i])) same++;
    for (const [j, value] of row.entries()) {
      count++;
      sum += value;
      squares += value ** 2;
      errors += (got[i][j] - value) ** 2;
    }
  }
  const deviation = Math.sqrt(squares / count - (sum / count) ** 2);
  return { error: Math.sqrt(errors / count) / deviation, same: same / exact.length };
}

/** What people and the owl say. */
const said = `Human: what do cats eat?
AI: cats eat fish.
Human: what is the capital of japan?
AI: the capital of japan is tokyo.
Human: and what language do they speak there?
AI: people in japan speak japanese.`;

/** Ids in no sensible order. */
const arbitrary = Array.from({ length: 48 }, (_, i) => 7 + 13 * (i % 11) + 5 * (i % 3));

async function comparedLogits(directory: string, ids?: readonly number[]) {
  const logits: Float32Array[][] = [];
  for (const kvCacheDtype of ["float32", "int8"] as const) {
    const { model, tokenizer } = await loadParts(directory, { kvCacheDtype, threads: 1 });
    logits.push(await logitsOf(model, ids ?? tokenizer!.encode(said), 6));
    await model.close();
  }
  return lossOf(logits[0], logits[1]);
}

test("owl-nano with keys and values in 8 bits: logits within two or three hundredths of their deviation, the same answer about a picture", async () => {
  const { error, same } = await comparedLogits(owlNano);
  expect((await comparedLogits(owlNano, arbitrary)).error).toBeLessThan(0.02);
  expect(error).toBeLessThan(0.03);
  expect(same).toBeGreaterThan(0.95);
  const answers: string[] = [];
  for (const kvCacheDtype of ["float32", "int8"] as const) {
    const owl = await Owl.load(owlNano, { kvCacheDtype, threads: 1 });
    const question = { type: "text", text: "what is this? what color is the background?" } as const;
    const reply = owl.chat({ role: "user", content: [{ type: "image", image: picture }, question] });
    answers.push(await reply.text());
    await owl.close();
  }
  expect(answers[1]).toBe(answers[0]);
});

test.skipIf(!sharedAvailable)("8 bits of a model whose layers look at pictures are refused", async () => {
  await expect(Owl.load(shared("golden/tiny-owl3/240728"), { kvCacheDtype: "int8" })).rejects.toThrow(
    "must be used with a model that reads pictures as words",
  );
});

test("8 bits on another device are refused with what to do", async () => {
  await expect(Owl.load(owlNano, { kvCacheDtype: "int8", device: "webgpu" })).rejects.toThrow(
    'kvCacheDtype "int8" must be used with the device "cpu", got "webgpu"; leave it out',
  );
});
