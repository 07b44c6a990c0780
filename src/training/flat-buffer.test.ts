import { expect, test } from "vitest";
import { describeParameters } from "../model/index.ts";
import { layOut } from "./flat-buffer.ts";
import { config } from "./testing/small-run.ts";

test("weight decay acts on every matrix of a video model, and on no vector, learned token or position", () => {
  const parameters = describeParameters({ ...config, video: true });
  const tensors = parameters.map((parameter) => ({ ...parameter, learningRateMultiplier: 1 }));
  const { views, groups } = layOut(tensors, 2 ** 24);
  const decayed = (name: string): boolean => {
    const { start } = views.get(name)!;
    return groups.find((group) => group.start <= start && start < group.end)!.decayed;
  };
  const spared = parameters.filter(({ name, dims }) => dims.length >= 2 && !decayed(name));
  expect(spared.map(({ name }) => name).toSorted()).toEqual([
    "abstractor.vit_eos",
    "query_tokens",
    "temporal_query_tokens",
    "vision_model.embeddings.cls_token",
    "vision_model.embeddings.position_embedding",
  ]);
  expect(parameters.filter(({ name, dims }) => dims.length < 2 && decayed(name))).toEqual([]);
});
