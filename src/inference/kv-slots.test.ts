import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { owl3Fixture } from "../../tests/owl3-fixture.ts";
import { sharedAvailable } from "../../tests/shared.ts";
import { loadCheckpoint } from "../checkpoint/index.ts";
import { cacheSizes, parseConfig, tokensPerImage } from "../model/index.ts";
import { openDevice } from "../runtime/index.ts";
import { KvSlots, type Slot } from "./kv-slots.ts";
import { LoadedModel } from "./loaded-model.ts";

let model: LoadedModel;

beforeAll(async () => {
  const directory = fileURLToPath(new URL("../../tests/fixtures/model", import.meta.url));
  const { config, tensors } = await loadCheckpoint(directory);
  model = new LoadedModel(parseConfig(config), tensors, await openDevice({ threads: 1 }));
});
afterAll(() => model.close());

const words = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => 3 + ((i * (37 + 10 * seed) + 91 * seed) % 1000));

/** Computes the positions `from` to the end of a prompt; returns the logits after it. */
async function prefill(
  rows: KvSlots,
  slot: Slot,
  ids: readonly number[],
  from: number,
): Promise<Float32Array> {
  const chunk = { slot, ids: ids.slice(from), spans: [], visual: new Float32Array(), keys: ids };
  const [logits] = await rows.prefill([chunk], from);
  return logits;
}

async function begin(rows: KvSlots, ids: readonly number[]): Promise<Slot> {
  const row = rows.acquire(ids);
  await prefill(rows, row, ids, row.keys.length);
  return row;
}

/** The logits after some tokens have been added to a prompt that is alone. */
async function alone(ids: readonly number[], tokens: readonly number[]): Promise<Float32Array> {
  const rows = new KvSlots(model, { slots: 1, keptBytes: 0 });
  const row = await begin(rows, ids);
  let logits = new Float32Array() as Float32Array;
  for (const token of tokens) [logits] = await rows.decode([row], [token]);
  return logits.slice();
}

test("the last row moves into a free place and goes on as if it had stayed", async () => {
  const rows = new KvSlots(model, { slots: 4, keptBytes: 2 ** 30 });
  const begun: Slot[] = [];
  for (const seed of [1, 2, 3, 4]) begun.push(await begin(rows, words(9 + seed, seed)));
  expect(begun.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  await rows.decode(begun, [5, 6, 7, 8]);
  rows.release(begun[0]);
  rows.release(begun[2]);
  const [, second, , fourth] = begun;
  const logits = await rows.decode([fourth, second], [9, 10]);
  expect([second.index, fourth.index]).toEqual([1, 0]);
  expect(logits[0]).toEqual(await alone(words(13, 4), [8, 9]));
  expect(logits[1]).toEqual(await alone(words(11, 2), [6, 10]));
  // What the places held before is there still.
  expect(rows.cachedPrefixLength([...words(10, 1), 5, 1])).toBe(11);
  expect(rows.cachedPrefixLength([...words(12, 3), 7, 1])).toBe(13);
});

test("what a copy holds goes on as the row would have", async () => {
  const rows = new KvSlots(model, { slots: 1, keptBytes: 2 ** 30 });
  const first = words(20, 1);
  rows.release(await begin(rows, first));
  for (const seed of [2, 3, 4]) rows.release(await begin(rows, words(20, seed)));
  expect(rows.statistics).toMatchObject({ hits: 0, misses: 4, entries: 4 });
  const further = [...first, 7, 8];
  const row = rows.acquire(further);
  expect(row.keys).toEqual(first);
  const logits = await prefill(rows, row, further, 20);
  const whole = new KvSlots(model, { slots: 1, keptBytes: 0 });
  const place = whole.acquire(further);
  expect(logits).toEqual(await prefill(whole, place, further, 0));
  // The longer row replaces the copy that it begins with.
  rows.release(row);
  expect(rows.statistics).toMatchObject({ hits: 1, entries: 4 });
});

test("rows grow together where one becomes longer than the room", async () => {
  const rows = new KvSlots(model, { slots: 2, keptBytes: 0 });
  const long = words(model.initialCapacity - 1, 1);
  const begun = [await begin(rows, long), await begin(rows, words(9, 2))];
  let logits: Float32Array[] = [];
  for (const token of [5, 6, 7]) logits = await rows.decode(begun, [token, token]);
  const [first, second] = logits.map((row) => row.slice());
  expect(begun[0].keys.length).toBeGreaterThan(model.initialCapacity);
  expect(first).toEqual(await alone(long, [5, 6, 7]));
  expect(second).toEqual(await alone(words(9, 2), [5, 6, 7]));
});

test("a prompt gets room for its answer, and keeps what its slot holds of it, when the rows grow for it", async () => {
  const rows = new KvSlots(model, { slots: 2, keptBytes: 2 ** 30 });
  await begin(rows, words(20, 1));
  const before = words(40, 2);
  rows.release(await begin(rows, before));
  const long = [...before.slice(0, 9), ...words(model.initialCapacity - 9, 3)];
  const slot = rows.acquire(long, 5);
  expect(slot).toMatchObject({ index: 1, keys: long.slice(0, 9) });
  const allocated = vi.spyOn(model.device, "allocate");
  // Batch invariance: an even number of positions.
  await prefill(rows, slot, long.slice(0, -1), 9);
  await prefill(rows, slot, long, long.length - 2);
  const [logits] = await rows.decode([slot], [5]);
  const { keyValueHeads, headDim } = cacheSizes(model.config.language);
  const isCache = ([, dims]: readonly [unknown, readonly number[]]): boolean =>
    dims.length === 4 && dims[1] === keyValueHeads && dims[3] === headDim;
  expect(allocated.mock.calls.filter(isCache)).toEqual([]);
  allocated.mockRestore();
  expect(logits).toEqual(await alone(long, [5]));
});

test("offline, slots are added when they are needed, adjacent ones for prompts that are computed together", async () => {
  const slots = new KvSlots(model, { slots: 3, offline: true });
  const prompts = [1, 2, 3].map((seed) => words(8 + seed, seed));
  const acquired = slots.acquireTogether(prompts);
  expect(acquired.map(({ index }) => index)).toEqual([0, 1, 2]);
  const visual = new Float32Array();
  const chunks = prompts.map((ids, i) => ({ slot: acquired[i], ids, keys: ids, spans: [], visual }));
  await slots.prefill(chunks, 0);
  const logits = await slots.decode(acquired, [5, 6, 7]);
  for (const [i, row] of logits.entries()) {
    const expected = await alone(prompts[i], [5 + i]);
    expect(row.every((value, k) => Math.abs(value - expected[k]) < 1e-4)).toBe(true);
  }
  for (const slot of acquired) slots.release(slot);
  // A prefix stays in its slot until another sequence needs it; then it is dropped.
  expect(slots.cachedPrefixLength([...prompts[0], 5, 9])).toBe(prompts[0].length + 1);
  for (const seed of [4, 5, 6]) slots.acquire(words(20, seed));
  expect(slots.statistics).toMatchObject({ entries: 0, bytes: 0 });
});

test.skipIf(!sharedAvailable)(
  "what decoders read of pictures beside the text is given back when nobody runs",
  async () => {
    const fixture = await owl3Fixture("241014", 3);
    const { config, tensors } = await loadCheckpoint(fixture.directory);
    const device = await openDevice({ threads: 1 });
    const allocated = vi.spyOn(device, "allocate");
    const sizes = parseConfig({ ...(config as object), mplugowl3_version: "241014" });
    const owl3 = new LoadedModel(sizes, tensors, device);
    const rows = new KvSlots(owl3, { slots: 2, keptBytes: 2 ** 30 });
    const { keyValueHeads, headDim } = cacheSizes(owl3.config.language);
    const places = `1,${keyValueHeads},${tokensPerImage(owl3.config)},${headDim}`;
    const ids = (seed: number) => words(9, seed).map((id) => id % 400);
    const count = (): number => allocated.mock.calls.filter(([, dims]) => dims.join() === places).length;
    const [first, second] = [await begin(rows, ids(1)), await begin(rows, ids(2))];
    const once = count();
    expect(once).toBeGreaterThan(0);
    rows.release(first);
    rows.release(await begin(rows, ids(3)));
    expect(count()).toBe(once);
    rows.release(second);
    rows.release(await begin(rows, ids(4)));
    expect(count()).toBeGreaterThan(once);
    await owl3.close();
    fixture.remove();
  },
);
