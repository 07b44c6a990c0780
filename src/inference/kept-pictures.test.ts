import { expect, test } from "vitest";
import { float32 } from "../tensor/index.ts";
import { type KeptPicture, PictureBuffers, picturesBytes } from "./kept-pictures.ts";
import { tinyOwl3 } from "./testing/tiny-owl3.ts";

const perHead = 4 * 8;
const picture = (start: number): KeptPicture => ({
  start,
  keysValues: [start, -start].map((value) => new Float32Array(2 * perHead).fill(value)),
});
const buffersOf = (version: string) =>
  new PictureBuffers(tinyOwl3(version), (dims) =>
    float32(new Float32Array(dims.reduce((a, b) => a * b)), [...dims]),
  );

test("pictures of a row lie side by side, head by head, and stay where they lie", () => {
  const buffers = buffersOf("241014");
  const [a, b, c] = [picture(1), picture(2), picture(3)];
  const held = buffers.hold([[a, b], [c]]);
  const { dims, data } = held["picture_value.1"];
  expect(dims).toEqual([2, 2, 8, 8]);
  const blocks = Array.from({ length: 8 }, (_, i) => data[i * perHead]);
  expect(blocks).toEqual([-1, -2, -1, -2, -3, 0, -3, 0]);
  data[0] = 7;
  expect(buffers.hold([[a, b], []])).toBe(held);
  expect(data[0]).toBe(7);
  const { picture_mask, picture_seen } = buffers.seen({ count: 1, from: [2, 2] });
  expect([...picture_mask.data].map((score) => score === 0)).toEqual(
    Array.from({ length: 16 }, (_, i) => i < 4),
  );
  expect([...picture_seen.data]).toEqual([1, 0]);
});

test("room that rows no longer need is given back", () => {
  const buffers = buffersOf("241014");
  const all = [1, 2, 3, 4].map(picture);
  const held = buffers.hold([all]);
  expect(buffers.hold([all.slice(0, 3)])).toBe(held);
  expect(buffers.hold([all.slice(0, 2)])["picture_key.1"].dims).toEqual([1, 2, 8, 8]);
  expect(buffers.hold([[]])["picture_key.1"].dims).toEqual([1, 2, 4, 8]);
  expect(picturesBytes(all)).toBe(4 * 2 * 2 * perHead * 4);
});

test("where text stands behind pictures in one softmax it begins at a multiple of what is summed at once", () => {
  expect(buffersOf("241101").hold([[picture(1)]])["picture_key.1"].dims).toEqual([1, 2, 1024, 8]);
});
