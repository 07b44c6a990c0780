import { add, gatherNd, mul, type Scope, scalar, scatterNd, sub, type Tensor } from "../../tensor/index.ts";
import type { LayerRows, VisualTokens } from "./family.ts";

// Layers of which there are two, one for the text's tokens and one for the pictures' (arXiv 2311.04257 §3.2).

const ofText = "multiway.0";
const ofPictures = "multiway.1";

type Layer = (scope: Scope, x: Tensor) => Tensor;

/**
 * A layer on x [batch, tokens, w]. The pictures' is computed for their tokens alone, so that text costs what it costs without it.
 *
 * @param visual absent: there are none
 */
export function byModality(
  scope: Scope,
  x: Tensor,
  layer: Layer,
  visual: Pick<VisualTokens, "positions"> | undefined,
): Tensor {
  const text = layer(scope.at(ofText), x);
  if (visual === undefined) return text;
  const own = layer(scope.at(ofPictures), gatherNd(x, visual.positions));
  return scatterNd(text, visual.positions, own);
}

/** A layer on a selection of tokens [..., w], of which the indicator says which are pictures'. */
export function byIndicator(
  scope: Scope,
  x: Tensor,
  layer: Layer,
  indicator: LayerRows["indicator"],
): Tensor {
  const text = layer(scope.at(ofText), x);
  if (indicator === undefined) return text;
  const own = layer(scope.at(ofPictures), x);
  return add(mul(text, sub(scalar(1), indicator)), mul(own, indicator));
}
