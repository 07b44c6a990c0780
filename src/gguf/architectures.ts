/** Names of a layer's modules, llama.cpp's and Hugging Face's. */
type Names = Readonly<Record<string, string>>;

const separate: Names = {
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};
const normsBefore: Names = { attn_norm: "input_layernorm", ffn_norm: "post_attention_layernorm" };
const queryKeyNorms: Names = { attn_q_norm: "self_attn.q_norm", attn_k_norm: "self_attn.k_norm" };
const normsAround: Names = {
  attn_norm: "input_layernorm",
  post_attention_norm: "post_attention_layernorm",
  ffn_norm: "pre_feedforward_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
};

/** What llama.cpp takes for granted of a Gemma: it stands in no key. */
export interface GemmaRules {
  /** Every so many layers one sees everything, and the others have a window. */
  readonly period: number;
  /** The number of layers of the largest model, whose scores have another scale than the others'. */
  readonly layersOfLargest: number;
}

/** A family of language models as GGUF files have it: what its tensors are called there, and how they differ. */
export interface Architecture {
  /** `model_type` in config.json; further ones are written so, too. */
  readonly modelTypes: readonly [read: string, ...others: string[]];
  readonly layer: Names;
  /**
   * Whether the rows of queries and keys are stored in the order of interleaved pairs: row 2i + j of a head is row
   * i + j · (half of the head) of the published weight.
   */
  readonly interleaved?: true;
  /** Whether weights of norms are stored with the one added that they are counted from. */
  readonly normsPlusOne?: true;
  /** Whether a head is asked for that is the same as the embedding table. */
  readonly asksForHead?: true;
  /** Whether biases of queries, keys, values and the output are computed where config.json asks for them. */
  readonly attentionBias?: true;
  /** Whether all heads together must be as wide as the hidden state. */
  readonly headsFillHidden?: true;
  /** Whether a part of each head may be turned alone, by frequencies with divisors of their own. */
  readonly longRope?: true;
  /** Whether frequencies may have divisors: Llama 3.1's scaling. */
  readonly ropeFactors?: true;
  /** Whether `rope.scaling.finetuned` says that there are positions at all. */
  readonly finetunedIsRope?: true;
  /** Whether every fourth layer has no positions. */
  readonly everyFourthWithoutRope?: true;
  /** Whether special tokens of SentencePiece's kind take the space behind them along. */
  readonly tokensTakeSpace?: true;
  readonly gemma?: GemmaRules;
}

/**
 * The architectures that are read and written, by `general.architecture`. A Mistral is a `llama` there.
 *
 * Source: llama.cpp's `src/models` and its converter, and `modeling_gguf_pytorch_utils.py` of transformers.
 */
export const architectures: Readonly<Record<string, Architecture>> = {
  llama: {
    modelTypes: ["llama", "mistral"],
    layer: { ...separate, ...normsBefore },
    interleaved: true,
    attentionBias: true,
    ropeFactors: true,
  },
  qwen2: { modelTypes: ["qwen2"], layer: { ...separate, ...normsBefore } },
  qwen3: { modelTypes: ["qwen3"], layer: { ...separate, ...normsBefore, ...queryKeyNorms } },
  gemma2: {
    modelTypes: ["gemma2"],
    layer: { ...separate, ...normsAround },
    normsPlusOne: true,
    gemma: { period: 2, layersOfLargest: 46 },
  },
  gemma3: {
    modelTypes: ["gemma3_text"],
    layer: { ...separate, ...normsAround, ...queryKeyNorms },
    normsPlusOne: true,
    gemma: { period: 6, layersOfLargest: 62 },
  },
  phi3: {
    modelTypes: ["phi3"],
    layer: {
      attn_qkv: "self_attn.qkv_proj",
      attn_output: "self_attn.o_proj",
      ffn_up: "mlp.gate_up_proj",
      ffn_down: "mlp.down_proj",
      ...normsBefore,
    },
    headsFillHidden: true,
    longRope: true,
    tokensTakeSpace: true,
  },
  olmo2: {
    modelTypes: ["olmo2"],
    layer: {
      ...separate,
      ...queryKeyNorms,
      post_attention_norm: "post_attention_layernorm",
      post_ffw_norm: "post_feedforward_layernorm",
    },
    headsFillHidden: true,
    asksForHead: true,
  },
  granite: {
    modelTypes: ["granite"],
    layer: { ...separate, ...normsBefore },
    interleaved: true,
    attentionBias: true,
    ropeFactors: true,
    finetunedIsRope: true,
  },
  smollm3: {
    modelTypes: ["smollm3"],
    layer: { ...separate, ...normsBefore },
    interleaved: true,
    attentionBias: true,
    everyFourthWithoutRope: true,
  },
};

/** The architecture, and its name, in which a model of this `model_type` is written; undefined where it is in none. */
export function architectureFor(modelType: string): readonly [name: string, rules: Architecture] | undefined {
  return Object.entries(architectures).find(([, { modelTypes }]) => modelTypes.includes(modelType));
}

const outer: Names = {
  token_embd: "model.embed_tokens",
  output_norm: "model.norm",
  output: "lm_head",
};

/** Tensors of factors that frequencies are divided by; they become settings. */
export const factorTensors = ["rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"];

/** What a file may hold beside the language model: frequencies of old files, which follow, and the vision half of Ollama's files. */
const passedOver = /^(blk\.\d+\.attn_rot_embd\.|v\.|mm\.)/;

/** Hugging Face's name of a tensor, `undefined` for those that are passed over; "unknown" for one that no rule names. */
export function publishedName(
  { layer }: Architecture,
  name: string,
): { readonly name: string | undefined } | "unknown" {
  if (factorTensors.includes(name) || passedOver.test(name)) return { name: undefined };
  const [, stem = "", kind = ""] = /^(.+)\.(weight|bias)$/.exec(name) ?? [];
  if (Object.hasOwn(outer, stem)) return { name: `${outer[stem]}.${kind}` };
  const [, index, module = ""] = /^blk\.(\d+)\.(.+)$/.exec(stem) ?? [];
  if (!Object.hasOwn(layer, module)) return "unknown";
  return { name: `model.layers.${index}.${layer[module]}.${kind}` };
}

/** The name in a GGUF file of one of Hugging Face's; undefined where there is none. */
export function ggufName({ layer }: Architecture, name: string): string | undefined {
  const [, stem = "", kind = ""] = /^(.+)\.(weight|bias)$/.exec(name) ?? [];
  const [, index, module = ""] = /^model\.layers\.(\d+)\.(.+)$/.exec(stem) ?? [];
  const names = index === undefined ? outer : layer;
  const [found] = Object.entries(names).find(([, published]) => published === (index ? module : stem)) ?? [];
  if (found === undefined) return undefined;
  return index === undefined ? `${found}.${kind}` : `blk.${index}.${found}.${kind}`;
}

/** Whether rows of a tensor of this name (Hugging Face's) are queries' or keys'. */
export const isQueryOrKey = (name: string): boolean => /\.self_attn\.[qk]_proj\.(weight|bias)$/.test(name);

/** Whether a tensor of this name (Hugging Face's) is the weight of a norm. */
export const isNorm = (name: string): boolean => /norm\.weight$/.test(name);
