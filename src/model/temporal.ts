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

/** LayerNorm's own default, which the reference leaves here. */
const NORM_EPSILON = 1e-5;
/** Frames that the convolution over time sees: the one before, the frame itself, the one after. */
const KERNEL = 3;

const zero: Initial = { kind: "constant", value: 0 };
/** How fresh convolutions start in PyTorch, by the number of values each result is made of. */
const fresh = (inputs: number): Initial => ({ kind: "uniform", bound: 1 / Math.sqrt(inputs) });

/**
 * The local temporal module in front of a vision layer (reference: mplug_owl_video): every patch learns what stood
 * in its place one frame earlier and later. x + [prefix, up(quickGelu(conv(down(ln(patches)))))], so the tokens in
 * front of the patches (CLIP's class token) are doubled, as the released weights expect it.
 *
 * @param scope at the published `temporal`
 * @param x [videos · frames, prefix + patches, hidden], the frames of a video one after the other
 * @param prefix how many tokens stand in front of the patches
 */
export function acrossFrames(scope: Scope, x: Tensor, frames: number, prefix: number): Tensor {
  const [, tokens, hidden] = x.shape;
  const half = dim("halfHidden", hidden.size! / 2);
  const patches = prefix === 0 ? x : slice(x, 1, prefix, tokens.size!);
  const normal = layerNormLayer(scope.at("ln"), patches, NORM_EPSILON);
  const down = pointwise(scope.at("down_proj"), normal, half, fresh(hidden.size!));
  const mixed = overTime(scope.at("conv"), down, frames);
  // Zero at first, so that a fresh module changes nothing but the prefix.
  const up = pointwise(scope.at("up_proj"), quickGelu(mixed), hidden, zero);
  return add(x, prefix === 0 ? up : concat([slice(x, 1, 0, prefix), up], 1, tokens.name));
}

/** A 1×1×1 convolution: a linear layer on every patch. */
function pointwise(scope: Scope, x: Tensor, out: Dim, initial: Initial): Tensor {
  const one = dim("one", 1);
  const width = x.shape[2];
  const kernel = scope.parameter("weight", [out, width, one, one, one], initial);
  return linear(x, reshape(kernel, [out, width]), scope.parameter("bias", [out], zero, "bias"));
}

/** A depth-wise 3×1×1 convolution over time, nothing before the first frame and after the last. */
function overTime(scope: Scope, x: Tensor, frames: number): Tensor {
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
