import { add, concat, dim, type Initial, mul, pad, type Scope, type Tensor } from "../../tensor/index.ts";
import { patchCount } from "./patches.ts";
import type { TowerConfig } from "./tower.ts";

/** Learned tokens or positions, [1, count, hidden]. */
export function learnedTokens(scope: Scope, name: string, count: number, config: TowerConfig): Tensor {
  const initial: Initial = { kind: "normal", deviation: config.initializerRange };
  const shape = [dim("one", 1), dim("tokens", count), dim("hidden", config.hidden)];
  return scope.parameter(name, shape, initial, "token");
}

/**
 * Tokens [1, prefix, hidden] in front of every picture's patches [images, patches, hidden]. They are added to empty
 * first rows, because nothing repeats to a symbolic number of pictures.
 */
export function withPrefix(patches: Tensor, prefix: readonly Tensor[], config: TowerConfig): Tensor {
  const rows = prefix.length === 1 ? prefix[0] : concat(prefix, 1, "prefix");
  return add(pad(patches, 1, rows.shape[1].size!, 0), pad(rows, 1, 0, patchCount(config)));
}

/** Layer scale (arXiv 2103.17239): a factor for each number, parameter `lambda1` [hidden]. */
export function layerScale(scope: Scope, x: Tensor, initial: number): Tensor {
  return mul(x, scope.parameter("lambda1", [x.shape[2]], { kind: "constant", value: initial }, "norm"));
}
