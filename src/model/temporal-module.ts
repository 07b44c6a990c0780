import {
  add,
  concat,
  type Dim,
  dim,
  type Initial,
  linear,
  mul,
  pad,
  reshape,
  type Scope,
  slice,
  type Tensor,
} from "../tensor/index.ts";
import { quickGelu } from "./activations.ts";
import { layerNormLayer } from "./layers.ts";

/** PyTorch's default for LayerNorm, which the reference does not change here. */
const NORM_EPSILON = 1e-5;
/** Width of the convolution over time: the frame before, the frame itself, the frame after. */
const KERNEL = 3;

const zero: Initial = { kind: "constant", value: 0 };
/** PyTorch's default initialisation of convolutions, by fan-in. */
const fresh = (fanIn: number): Initial => ({ kind: "uniform", bound: 1 / Math.sqrt(fanIn) });

/**
 * The local temporal module in front of a vision layer (reference: mplug_owl_video): mixes
 * every patch with those in its place in the frames before and after. x + [prefix, up(quickGelu(conv(down(ln(patches)))))], so the tokens in
 * front of the patches (CLIP's class token) are doubled, as the released weights expect it.
 *
 * @param scope at the published `temporal`
 * @param x [videos · frames, prefix + patches, hidden], the frames of a video one after the other
 * @param prefix how many tokens stand in front of the patches
 */
export function localTemporalModule(scope: Scope, x: Tensor, frames: number, prefix: number): Tensor {
  const [, tokens, hidden] = x.shape;
  const half = dim("halfHidden", hidden.size! / 2);
  const front = prefix === 0 ? undefined : slice(x, 1, 0, prefix);
  const patches = prefix === 0 ? x : slice(x, 1, prefix, tokens.size!);
  const normal = layerNormLayer(scope.at("ln"), patches, NORM_EPSILON);
  const down = pointwiseConvolution(scope.at("down_proj"), normal, half, fresh(hidden.size!));
  const mixed = temporalConvolution(scope.at("conv"), down, frames);
  // Initialised to zero, so that a fresh module changes nothing but the prefix.
  const up = pointwiseConvolution(scope.at("up_proj"), quickGelu(mixed), hidden, zero);
  return add(x, front === undefined ? up : concat([front, up], 1, tokens.name));
}

/** A 1×1×1 convolution: a linear layer on every patch. */
function pointwiseConvolution(scope: Scope, x: Tensor, out: Dim, initial: Initial): Tensor {
  const one = dim("one", 1);
  const width = x.shape[2];
  const kernel = scope.parameter("weight", [out, width, one, one, one], initial);
  return linear(x, reshape(kernel, [out, width]), scope.parameter("bias", [out], zero, "bias"));
}

/** A depth-wise 3×1×1 convolution over time, zero-padded before the first frame and after the last. */
function temporalConvolution(scope: Scope, x: Tensor, frames: number): Tensor {
  const [images, patches, width] = x.shape;
  const one = dim("one", 1);
  const taps = dim("taps", KERNEL);
  const kernel = reshape(scope.parameter("weight", [width, one, taps, one, one], fresh(KERNEL)), [
    width,
    taps,
  ]);
  const videos = images.size === undefined ? dim("videos") : dim("videos", images.size / frames);
  const reach = (KERNEL - 1) / 2;
  const inTime = pad(reshape(x, [videos, dim("frames", frames), patches, width]), 1, reach, reach);
  const shifted = Array.from({ length: KERNEL }, (_, tap) =>
    mul(slice(inTime, 1, tap, tap + frames), reshape(slice(kernel, 1, tap, tap + 1), [width])),
  );
  const sum = add(shifted.reduce(add), scope.parameter("bias", [width], zero, "bias"));
  return reshape(sum, [images, patches, width]);
}
