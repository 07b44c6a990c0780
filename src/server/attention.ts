import type { AttentionMaps } from "../generation/index.ts";
import { takePlaces } from "./answers.ts";
import { parseBody } from "./body.ts";
import { readPictureBytes } from "./media.ts";
import { attentionSchema } from "./schema.ts";
import { type Asking, mediaReading } from "./state.ts";

/** Decimals of a share: a thousandth of what an even look at a thousand patches gives each. */
const decimals = 6;

/** `POST /v1/attention`: where the abstractor looked. */
export async function attention(asking: Asking): Promise<Response> {
  const { state, exchange } = asking;
  const asked = parseBody(attentionSchema, asking.body);
  const { owl } = state.models.get(asked.model);
  takePlaces(asking, 1);
  const picture = await exchange.race(readPictureBytes(asked.image, "image", mediaReading(asking)));
  const limits = { maxPixels: state.limits.pixels, signal: exchange.signal };
  const look = (): Promise<AttentionMaps> => owl.attention(picture, limits);
  const maps = await exchange.race(state.decoding.run(look, exchange.signal));
  return Response.json(meanOverHeads(maps), { headers: { "cache-control": "no-store" } });
}

/** `maps` [layers][queries][rows · columns]. */
function meanOverHeads({ layers, heads, queries, rows, columns, maps }: AttentionMaps): object {
  const patches = rows * columns;
  const shareOf = (layer: number, query: number, patch: number): number => {
    let sum = 0;
    for (let head = 0; head < heads; head++) {
      sum += maps[((layer * heads + head) * queries + query) * patches + patch];
    }
    return Number((sum / heads).toFixed(decimals));
  };
  const range = <T>(length: number, make: (i: number) => T): T[] => Array.from({ length }, (_, i) => make(i));
  return {
    layers,
    queries,
    rows,
    columns,
    maps: range(layers, (layer) =>
      range(queries, (query) => range(patches, (patch) => shareOf(layer, query, patch))),
    ),
  };
}
