import { type AttentionMaps, meanOverHeads } from "../inspection/index.ts";
import { takePlaces } from "./answers.ts";
import { parseBody } from "./body.ts";
import { readPictureBytes } from "./media.ts";
import { allOf, decodingProblems } from "./media-problems.ts";
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
  const maps = await exchange.race(state.decoding.run(look, exchange.signal)).catch((error: unknown) => {
    const found = decodingProblems(error, new Map([[picture, "image"]]));
    throw found.length > 0 ? allOf(found) : error;
  });
  const { layers, queries, rows, columns } = maps;
  const shares = meanOverHeads(maps).map((layer) => layer.map((map) => map.map(rounded)));
  const body = { layers, queries, rows, columns, maps: shares };
  return Response.json(body, { headers: { "cache-control": "no-store" } });
}

const rounded = (share: number): number => Number(share.toFixed(decimals));
