import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { configJson, parseConfig } from "./config.ts";
import { ModelConfigError, type OwlConfig } from "./owl-config.ts";
import { describeParameters } from "./parameters.ts";
import { microConfig } from "./testing/micro.ts";

const published = (): Record<string, Record<string, unknown>> =>
  JSON.parse(readFileSync(new URL("../../tests/fixtures/model/config.json", import.meta.url), "utf8"));

test("a config.json as the reference writes it is read by the keys that matter", () => {
  const config = parseConfig(published());
  expect(config.numQueryTokens).toBe(8);
  expect(config.vision).toMatchObject({ hidden: 64, layers: 3, heads: 4, imageSize: 56, patchSize: 14 });
  expect(config.abstractor).toMatchObject({ hidden: 64, layers: 2, heads: 4, intermediate: 96 });
  expect(config.language).toMatchObject({
    hidden: 96,
    heads: 4,
    keyValueHeads: 4,
    headDim: 24,
    vocabulary: 1024,
    ropeTheta: 10000,
    maxPositions: 2048,
    tiedEmbeddings: false,
    bosId: 1,
    eosId: 2,
    padId: 0,
  });
});

test("what is left out has the published defaults", () => {
  const config = parseConfig({ vision_config: {}, visual_abstractor_config: {}, text_config: {} });
  expect(config.numQueryTokens).toBe(64);
  expect(config.vision).toMatchObject({ hidden: 1024, layers: 24, heads: 16, intermediate: 4096 });
  expect(config.language).toMatchObject({ hidden: 4096, layers: 32, keyValueHeads: 32, vocabulary: 32000 });
});

test("a config written in the published form reads back as itself", () => {
  const config = parseConfig(published());
  expect(parseConfig(JSON.parse(JSON.stringify(configJson(config))))).toEqual(config);
});

test("grouped-query attention and its own head size are read", () => {
  const json = published();
  Object.assign(json.text_config, { num_key_value_heads: 2, head_dim: 32, rope_theta: 5e5 });
  expect(parseConfig(json).language).toMatchObject({ keyValueHeads: 2, headDim: 32, ropeTheta: 5e5 });
});

test("every wrong key is named at once", () => {
  const json = published();
  json.text_config.model_type = "gpt2";
  json.text_config.rope_scaling = { type: "spiral", factor: 2 };
  json.vision_config.hidden_act = "relu";
  delete (json as Record<string, unknown>).visual_abstractor_config;
  const attempt = (): unknown => parseConfig(json, "models/x/config.json");
  expect(attempt).toThrow(ModelConfigError);
  for (const part of [
    "models/x/config.json",
    "text_config.model_type",
    "text_config.rope_scaling.type",
    "vision_config.hidden_act",
    "visual_abstractor_config",
  ]) {
    expect(attempt).toThrow(part);
  }
});

test("sizes that contradict each other are named at once", () => {
  const json = published();
  json.vision_config.image_size = 13;
  json.visual_abstractor_config.encoder_hidden_size = 32;
  json.text_config.num_key_value_heads = 3;
  try {
    parseConfig(json);
    expect.unreachable();
  } catch (error) {
    expect((error as ModelConfigError).problems).toEqual([
      "vision_config.image_size: must be at least patch_size (14), got 13",
      "visual_abstractor_config.encoder_hidden_size: must equal vision_config.hidden_size (64), got 32",
      "text_config.num_attention_heads: must be a multiple of num_key_value_heads (3), got 4",
    ]);
  }
});

test("a vision tower is known by its model_type, CLIP where there is none, and another one is refused", () => {
  const json = published();
  for (const model_type of ["mplug_owl_vision_model", "clip_vision_model", undefined]) {
    Object.assign(json.vision_config, { model_type });
    expect(parseConfig(json).vision.tower).toBe("clip");
  }
  Object.assign(json.vision_config, { model_type: "siglip2_vision_model" });
  expect(() => parseConfig(json)).toThrow(
    /vision_config\.model_type: must be "mplug_owl_vision_model" or .*, got "siglip2_vision_model"/,
  );
});

describe("every tower's config is written and read", () => {
  const names: Record<string, object> = {
    siglip_vision_model: { image_size: 30, patch_size: 7, hidden_act: "gelu" },
    dinov2: { use_swiglu_ffn: true, mlp_ratio: 2.5, qkv_bias: false, layerscale_value: 0.1 },
    dinov2_with_registers: { image_size: [28, 28], num_register_tokens: 2 },
    dinov3_vit: {
      hidden_size: 48,
      num_register_tokens: 4,
      key_bias: true,
      use_gated_mlp: true,
      hidden_act: "silu",
    },
  };
  test.each(Object.entries(names))("%s", (model_type, settings) => {
    const vision_config = { hidden_size: 64, num_attention_heads: 4, model_type, ...settings };
    const hidden = Number(vision_config.hidden_size);
    const abstractor = { hidden_size: hidden, encoder_hidden_size: hidden, num_attention_heads: 4 };
    const json = { ...published(), vision_config, visual_abstractor_config: abstractor };
    const config = parseConfig(json);
    const written = configJson(config);
    expect(parseConfig(JSON.parse(JSON.stringify(written)))).toEqual(config);
    expect(written.vision_config).toMatchObject({
      model_type,
      ...settings,
      image_size: config.vision.imageSize,
    });
  });
});

test("a config made by hand without its family or tower is refused", () => {
  const { language, vision, ...rest } = microConfig;
  const { family: _, ...noFamily } = language;
  const { tower: __, ...noTower } = vision;
  const without = (parts: object) => () =>
    describeParameters({ ...rest, language, vision, ...parts } as OwlConfig);
  expect(without({ language: noFamily })).toThrow(
    /^language\.family: must be "llama", "qwen2", .* or "bloom", got undefined/,
  );
  expect(without({ vision: noTower })).toThrow(/^vision\.tower: must be "clip" or .*, got undefined/);
});
