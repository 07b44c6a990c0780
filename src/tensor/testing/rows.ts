import type { OperatorKind } from "../index.ts";
import type { Row } from "./row.ts";
import * as attention from "./rows-attention.ts";
import * as elementwise from "./rows-elementwise.ts";
import * as indexing from "./rows-indexing.ts";
import * as inputs from "./rows-inputs.ts";
import * as normalization from "./rows-normalization.ts";
import * as product from "./rows-product.ts";
import * as quantized from "./rows-quantized.ts";
import * as shaping from "./rows-shaping.ts";

/** Small graphs that try every operator. Complete by type: an operator without rows does not compile. */
export const rows: { readonly [K in OperatorKind]: readonly [Row, ...Row[]] } = {
  ...inputs,
  ...elementwise,
  ...shaping,
  ...product,
  ...quantized,
  ...normalization,
  ...attention,
  ...indexing,
};

/** Every row with the operator it tries, titled for a test's name. */
export const everyRow: readonly (readonly [title: string, kind: OperatorKind, row: Row])[] = Object.entries(
  rows,
).flatMap(([kind, list]) => list.map((row) => [`${kind}: ${row.about}`, kind as OperatorKind, row] as const));
