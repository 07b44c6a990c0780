import { expect, test } from "vitest";
import { fnv1a } from "../../src/primitives/index.ts";
import { randomFor } from "../random.ts";
import { loadMaterial } from "../training/sources.ts";
import { renderScene } from "./drawn-scene.ts";
import { AS_DRAWN, REDRAWING } from "./placement.ts";
import { sampleScene } from "./sample-scene.ts";
import { trainingSupply } from "./supplies.ts";

const MIX = {
  single: 2,
  pair: 2,
  several: 2,
  mixed: 2,
  flag: 1,
  sign: 2,
  labelled: 2,
  lines: 2,
  unknown: 1,
  empty: 0.2,
};

test("a scene of 64 or 96 pixels is drawn from the same numbers for good", async () => {
  const { drawings } = await loadMaterial();
  const variation = {
    ...AS_DRAWN,
    rotation: 0.3,
    stretch: 0.2,
    style: 0.7,
    redrawing: REDRAWING,
    iconShare: 0.3,
  };
  const supply = { ...trainingSupply(drawings), variation };
  const hash = (size: number): number =>
    fnv1a(
      Array.from({ length: 20 }, (_, i) => {
        const random = randomFor(7, "sizes", i);
        const source = { mix: MIX, words: ["open", "garden", "milk"], furtherShare: 0.2 };
        const scene = sampleScene({ supply, size, random }, source);
        const places = [
          ...scene.things.flatMap(({ x, y }) => [x, y]),
          ...scene.lines.flatMap(({ centers }) => centers),
        ];
        return fnv1a([...renderScene(scene, random).data, ...places.map((at) => Math.round(at * 1000))]);
      }),
    );
  expect([hash(64), hash(96)]).toEqual([3573118982, 2713835461]);
});
