import { add, dim, gather, input, mul, type Scope, scalar, slice, type Tensor } from "../tensor/index.ts";
import type { OwlConfig } from "./owl-config.ts";

// What UReader and mPLUG-DocOwl 1.0 have beside the first mPLUG-Owl: a picture is cut into tiles, and each tile's queries
// are told where in the picture it lies.

/** The names of the two tables, below `abstractor`. */
const ROWS = "cut_patch_embedding_h.weight";
const COLUMNS = "cut_patch_embedding_w.weight";

/** The tensor whose first axis tells how many rows and columns of tiles have an embedding; only readers in tiles have it. */
export const tilePositionTable = `abstractor.${ROWS}`;

/** Rows of each table in the released model, of which it uses 12. */
const RELEASED_POSITIONS = 15;

/** The same model, reading pictures in tiles, as UReader was made of the first mPLUG-Owl; one that does so stays as it is. */
export function readingTiles(config: OwlConfig): OwlConfig {
  return readsTiles(config) ? config : { ...config, tilePositions: RELEASED_POSITIONS };
}

/** Whether a model reads each picture in tiles, which stand in its inputs as pictures do. */
export function readsTiles({ tilePositions }: Pick<OwlConfig, "tilePositions">): boolean {
  return tilePositions !== undefined;
}

/**
 * The queries of tiles [images, queries, hidden] with half the sum of their row's and their column's embedding, the same for
 * all queries of a tile; as they are where the model has none. The input `patch_positions` int64 [images, 2] = (row, column)
 * says where each tile lies.
 *
 * @param scope at `abstractor`
 */
export function withTilePositions(scope: Scope, queries: Tensor, config: OwlConfig): Tensor {
  const { tilePositions, abstractor } = config;
  if (tilePositions === undefined) return queries;
  const positions = input("patch_positions", "int64", [queries.shape[0], dim("depth", 2)]);
  const shape = [dim("positions", tilePositions), dim("hidden", abstractor.hidden)];
  const initial = { kind: "normal", deviation: abstractor.initializerRange } as const;
  const embedded = (name: string, axis: number): Tensor =>
    gather(scope.parameter(name, shape, initial, "embedding"), slice(positions, 1, axis, axis + 1));
  return add(queries, mul(add(embedded(ROWS, 0), embedded(COLUMNS, 1)), scalar(0.5)));
}
