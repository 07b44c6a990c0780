import { type AttentionMaps, meanOverHeads } from "../inspection/index.ts";
import { reserveAnswers } from "./answers.ts";
import { parseBody } from "./body.ts";
import { readPictureBytes } from "./media.ts";
import { combinedError, decodingErrors } from "./media-errors.ts";
import { attentionSchema } from "./schema.ts";
import { type ApiRequest, mediaReading } from "./state.ts";

/** Decimals of a share: a thousandth of what an even look at a thousand patches gives each. */
const decimals = 6;

/** `POST /v1/attention`: where the abstractor, or a question's words, looked. */
export async function attention(request: ApiRequest): Promise<Response> {
  const { state, context } = request;
  const body = parseBody(attentionSchema, request.body);
  const { owl } = state.models.get(body.model);
  reserveAnswers(request, 1);
  const picture = await context.race(readPictureBytes(body.image, "image", mediaReading(request)));
  const { question } = body;
  const options = { maxPixels: state.limits.pixels, signal: context.signal, question };
  const look = (): Promise<AttentionMaps> => owl.attention(picture, options);
  const maps = await context.race(state.decoding.run(look, context.signal)).catch((error: unknown) => {
    const found = decodingErrors(error, new Map([[picture, "image"]]));
    throw found.length > 0 ? combinedError(found) : error;
  });
  const { layers, queries, words, rows, columns, framing } = maps;
  const shares = meanOverHeads(maps).map((layer) => layer.map((map) => map.map(rounded)));
  const reply = { layers, queries, ...(words && { words }), rows, columns, framing, maps: shares };
  return Response.json(reply, { headers: { "cache-control": "no-store" } });
}

const rounded = (share: number): number => Number(share.toFixed(decimals));
