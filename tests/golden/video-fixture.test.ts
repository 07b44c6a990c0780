import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readSafetensors } from "../../src/checkpoint/index.ts";
import { microConfig } from "../../src/model/testing/micro.ts";
import { visionLayer } from "../../src/model/vision-encoder.ts";
import { dim, input, rootScope } from "../../src/tensor/index.ts";
import { largestDifference, runGraph } from "./run-model.ts";

test("a vision layer on a video, its temporal module in front, equals the original code's", async () => {
  const path = fileURLToPath(new URL("../fixtures/video/layer.safetensors", import.meta.url));
  const stored = await readSafetensors(path);
  const config = { ...microConfig.vision, hidden: 64, heads: 4, intermediate: 128 };
  const before = input("before", "float32", [dim("images", 4), dim("tokens", 17), dim("hidden", 64)]);
  const after = visionLayer(rootScope().at("layer"), before, config, 4);
  const got = await runGraph({ name: "layer", outputs: { after } }, Object.fromEntries(stored));
  expect(largestDifference(got.after, stored.get("after")!)).toBeLessThan(1e-5);
});
