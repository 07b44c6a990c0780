import { expect, test } from "vitest";
import { type Graph, type HostTensor, interpret, type TensorLike } from "../../tensor/index.ts";
import { configJson, parseConfig } from "../config.ts";
import { tokenFeeds } from "../feeds.ts";
import { traceDecode, tracePrefill } from "../inference.ts";
import { traceForward } from "../owl.ts";
import { ModelConfigError, type OwlConfig } from "../owl-config.ts";
import { describeParameters } from "../parameters.ts";
import { publishedModel, storedName } from "../published-model.ts";
import { microConfig, randomNumbers, randomParameters } from "../testing/micro.ts";

const config: OwlConfig = {
  ...microConfig,
  abstractor: { ...microConfig.abstractor, grid: 2 },
  language: { ...microConfig.language, modalityAdaptive: true } as OwlConfig["language"],
  generation: "owl2",
};
/** The same with one set of layers for text and pictures. */
const alike: OwlConfig = { ...config, language: microConfig.language };
const weights = randomParameters(describeParameters(config));
const perPicture = config.numQueryTokens + 1;
const pictureRun = new Array<number>(perPicture).fill(-1);
const pixels: TensorLike = { dims: [1, 3, 8, 8], data: randomNumbers(192, 1, 5) };

/** Weights in which both halves of each layer are the text's, or the pictures'. */
const halves = (half: 0 | 1): Record<string, HostTensor> =>
  Object.fromEntries(
    Object.keys(weights).map((name) => [name, weights[name.replace(/multiway\.\d/, `multiway.${half}`)]]),
  );
const joined = (own: Record<string, HostTensor>): Record<string, HostTensor> =>
  Object.fromEntries(Object.entries(own).map(([name, value]) => [name.replace(/\.multiway\.\d/, ""), value]));

function logits(of: OwlConfig, own: Record<string, TensorLike>, row: readonly number[]): number[] {
  const images = row.includes(-1) ? 1 : 0;
  const graph = traceForward(of, { batch: 1, tokens: row.length, images }, ["logits"]);
  const feeds = {
    ...own,
    ...tokenFeeds([row], images * perPicture),
    ...(images > 0 && { pixel_values: pixels }),
  };
  return [...interpret([graph.outputs.logits], feeds)[0].data];
}

const row = [1, 4, ...pictureRun, 7, 9];

test("text alone is computed by the text's layers, and pictures by theirs", () => {
  expect(logits(config, weights, [1, 4, 9, 3])).toEqual(logits(alike, joined(halves(0)), [1, 4, 9, 3]));
  const plain = logits(alike, joined(halves(0)), row);
  expect(logits(config, halves(0), row)).toEqual(plain);
  const apart = logits(config, weights, row);
  const vocabulary = microConfig.language.vocabulary;
  // What stands in front of the picture does not see it; what stands behind does.
  expect(apart.slice(0, 2 * vocabulary)).toEqual(plain.slice(0, 2 * vocabulary));
  expect(apart.slice(-vocabulary)).not.toEqual(plain.slice(-vocabulary));
});

test("only graphs with pictures ask for the pictures' layers", () => {
  const asks = (graph: Graph): boolean => JSON.stringify(parametersOf(graph)).includes("multiway.1");
  expect(asks(traceDecode(config))).toBe(false);
  expect(asks(tracePrefill(config, { pictures: false }))).toBe(false);
  expect(asks(tracePrefill(config, { pictures: true }))).toBe(true);
});

function parametersOf(graph: Graph): string[] {
  const names = new Set<string>();
  const visit = (tensor: (typeof graph.outputs)[string], seen: Set<unknown>): void => {
    if (seen.has(tensor.node)) return;
    seen.add(tensor.node);
    const { name } = tensor.node.attributes as { name?: string };
    if (name !== undefined) names.add(name);
    for (const one of tensor.node.inputs) visit(one, seen);
  };
  const seen = new Set<unknown>();
  for (const output of Object.values(graph.outputs)) visit(output, seen);
  return [...names];
}

test("config.json is written and read, also with sizes left to the weights", () => {
  const json = configJson(config);
  expect(json.model_type).toBe("mplug_owl2");
  expect(parseConfig(json)).toEqual(config);
  for (const pictureFit of ["pad", "crop"] as const) {
    expect(parseConfig(configJson({ ...config, pictureFit }))).toEqual({ ...config, pictureFit });
  }
  const { visual_model, visual_abstractor } = json.visual_config as Record<string, Record<string, unknown>>;
  const { intermediate_size: _, num_learnable_queries: __, ...less } = visual_abstractor;
  const short = { ...json, visual_config: { visual_model, visual_abstractor: less } };
  const sizes = new Map(describeParameters(config).map((parameter) => [parameter.name, parameter]));
  expect(parseConfig(short, "config.json", sizes)).toEqual(config);
});

test("settings of other computations are refused, all of them at once", () => {
  const json = configJson(config);
  const { visual_model, visual_abstractor } = json.visual_config as Record<string, object>;
  const visual_config = {
    visual_model: { ...visual_model, use_post_layernorm: false },
    visual_abstractor: { ...visual_abstractor, grid_size: 3, add_v2t_pos_emb: true },
  };
  const read = () => parseConfig({ ...json, image_aspect_ratio: "anyres", visual_config });
  expect(read).toThrow(ModelConfigError);
  expect(read).toThrow(/use_post_layernorm: [\s\S]*add_v2t_pos_emb: [\s\S]*image_aspect_ratio: /);
  const grid = { ...visual_abstractor, grid_size: 3 };
  expect(() => parseConfig({ ...json, visual_config: { visual_model, visual_abstractor: grid } })).toThrow(
    "visual_config.visual_abstractor.grid_size: must be the 2 patches along a picture's side, got 3",
  );
});

test("names of files and names inside are told apart and back", () => {
  const own = publishedModel.rename({ model_type: "mplug_owl2" }, [])!;
  for (const { name } of describeParameters(config)) expect(own(storedName(config, name))).toBe(name);
  expect(storedName(config, "query_tokens")).toBe("model.visual_abstractor.query_embeds");
  expect(storedName(config, "language_model.lm_head.weight")).toBe("lm_head.weight");
});
