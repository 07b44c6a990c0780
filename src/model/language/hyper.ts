import {
  add,
  type Dim,
  dim,
  mul,
  reshape,
  type Scope,
  sigmoid,
  slice,
  sub,
  type Tensor,
} from "../../tensor/index.ts";
import { linearLayer } from "../layers.ts";
import type { RotaryDecoderConfig } from "./decoder-config.ts";
import type { KeysValues, LayerPictures, PictureProjection } from "./family.ts";

/**
 * A layer's keys and values of pictures' tokens. The published rows lie as [keyValueHeads, (key, value), headDim].
 *
 * @param scope at the layer's `self_attn`
 * @param tokens after the layer's own input norm [rows, visual, hidden]
 */
export function projectPictures(scope: Scope, tokens: Tensor, config: RotaryDecoderConfig): KeysValues {
  const { keyValueHeads, headDim, initializerRange } = config;
  const [rows, visual] = tokens.shape;
  const both = linearLayer(scope.at("v_kv_proj"), tokens, dim("kv", 2 * keyValueHeads * headDim), {
    bias: true,
    deviation: initializerRange,
  });
  const width = dim("key+value", 2 * headDim);
  const apart = reshape(both, [rows, visual, dim("keyValueHeads", keyValueHeads), width]);
  const joined = [rows, visual, dim("keyValueHeads·headDim", keyValueHeads * headDim)];
  const part = (from: number): Tensor => reshape(slice(apart, 3, from, from + headDim), joined);
  return { key: part(0), value: part(headDim) };
}

/** What a hyper layer attends with. */
export interface HyperOperands {
  readonly query: Tensor;
  readonly text: KeysValues;
  readonly pictures: LayerPictures;
  readonly project: PictureProjection;
  /** The text's own context, in the query's shape. */
  readonly ownContext: () => Tensor;
}

/**
 * The context of a hyper layer.
 *
 * @param scope at the layer's `self_attn`
 */
export function hyperContext(
  scope: Scope,
  { query, text, pictures, project, ownContext }: HyperOperands,
  config: RotaryDecoderConfig,
): Tensor {
  const { gate } = config.hyper!;
  if (gate === "none") return pictures.withText(query, text, project);
  const context = ownContext();
  const shown = pictures.over(query, project);
  const share = gate === "channel" ? channelGate(scope, query.shape[2]) : contextGate(scope, context, config);
  return add(context, mul(mul(share, pictures.seen(query.shape[1])), sub(shown, context)));
}

function channelGate(scope: Scope, width: Dim): Tensor {
  return sigmoid(scope.parameter("gate", [width], { kind: "constant", value: 0 }, "token"));
}

/** One matrix for all heads. */
function contextGate(scope: Scope, context: Tensor, config: RotaryDecoderConfig): Tensor {
  const { heads, headDim, initializerRange } = config;
  const [batch, tokens] = context.shape;
  const width = dim("headDim", headDim);
  const apart = reshape(context, [batch, tokens, dim("heads", heads), width]);
  const options = { bias: true, deviation: initializerRange };
  const share = sigmoid(linearLayer(scope.at("gate_proj.0"), apart, width, options));
  return reshape(share, context.shape);
}
