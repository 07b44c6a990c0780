import { z } from "zod";
import type { DecoderConfig } from "./family.ts";

/** A special token's id, several of them, or none. */
export const specialId = z.union([z.number().int(), z.array(z.number().int()).min(1)]).nullish();

interface SpecialIds {
  readonly bos_token_id?: z.infer<typeof specialId>;
  readonly eos_token_id?: z.infer<typeof specialId>;
  readonly pad_token_id?: z.infer<typeof specialId>;
}

/** Of several ids the first. */
function firstId(id: z.infer<typeof specialId>, otherwise: number): number {
  return (Array.isArray(id) ? id[0] : id) ?? otherwise;
}

/**
 * Special tokens as a config has them.
 *
 * @param otherwise the ids of those that config.json does not name; −1: there is none
 */
export function specialIdsOf(
  ids: SpecialIds,
  otherwise: { readonly bos: number; readonly eos: number; readonly pad: number },
): Pick<DecoderConfig, "bosId" | "eosId" | "otherEosIds" | "padId"> {
  const others = Array.isArray(ids.eos_token_id) ? ids.eos_token_id.slice(1) : [];
  return {
    bosId: firstId(ids.bos_token_id, otherwise.bos),
    eosId: firstId(ids.eos_token_id, otherwise.eos),
    ...(others.length > 0 && { otherEosIds: others }),
    padId: firstId(ids.pad_token_id, otherwise.pad),
  };
}

/** The keys that every family writes alike. */
export function commonJson(config: DecoderConfig): Record<string, unknown> {
  return {
    tie_word_embeddings: config.tiedEmbeddings,
    bos_token_id: config.bosId,
    eos_token_id: config.otherEosIds ? [config.eosId, ...config.otherEosIds] : config.eosId,
    pad_token_id: config.padId,
    initializer_range: config.initializerRange,
  };
}
