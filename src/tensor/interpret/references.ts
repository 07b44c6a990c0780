import type { OperatorKind } from "../node.ts";
import * as attention from "./attention.ts";
import * as elementwise from "./elementwise.ts";
import * as indexing from "./indexing.ts";
import * as inputs from "./inputs.ts";
import * as normalization from "./normalization.ts";
import * as product from "./product.ts";
import * as quantized from "./quantized.ts";
import type { Reference } from "./reference.ts";
import * as shaping from "./shaping.ts";

/** Every operator's reference implementation. Complete by type: an operator without one does not compile. */
export const references: { readonly [K in OperatorKind]: Reference<K> } = {
  ...inputs,
  ...elementwise,
  ...shaping,
  ...product,
  ...quantized,
  ...normalization,
  ...attention,
  ...indexing,
};
