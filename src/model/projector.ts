import { dim, type Scope, type Tensor } from "../tensor/index.ts";
import { gelu } from "./activations.ts";
import { linearLayer } from "./layers.ts";
import type { OwlConfig } from "./owl-config.ts";

/**
 * Patches in the language model's width: what some models of the line have in the abstractor's place.
 *
 * @param scope at the root
 * @param patches float32 [images, patches, vision hidden]
 * @returns [images, patches, language hidden]
 */
export function projectPatches(scope: Scope, patches: Tensor, config: OwlConfig): Tensor {
  const { hidden, initializerRange: deviation } = config.language;
  const at = scope.at("abstractor.projector");
  const layer = (name: string | undefined, x: Tensor): Tensor =>
    linearLayer(name === undefined ? at : at.at(name), x, dim("hidden", hidden), { bias: true, deviation });
  return config.projector === "mlp" ? layer("2", gelu(layer("0", patches))) : layer(undefined, patches);
}
