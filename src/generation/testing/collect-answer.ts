import type { Engine } from "../engine.ts";
import type { EngineAnswer, GenerationRequest, ReportedToken } from "../request.ts";
import { completeSettings, type GenerationSettings } from "../settings.ts";

/** Settings of an answer of six tokens that only its length ends. */
export const settingsOf = (given: Partial<GenerationSettings>): GenerationSettings =>
  completeSettings({ eosTokenIds: [], maxNewTokens: 6, ...given });

/** An answer with its tokens' reports. */
export interface Collected extends EngineAnswer {
  readonly tokens: readonly ReportedToken[];
}

/** An answer with all that was reported of its tokens; `onPiece` hears of each piece. */
export async function run(
  engine: Engine,
  request: GenerationRequest,
  onPiece?: (count: number) => void,
): Promise<Collected> {
  const tokens: ReportedToken[] = [];
  const pieces = engine.generate({ topLogprobs: 2, ...request });
  for (let count = 1; ; count++) {
    const { done, value } = await pieces.next();
    if (done) return { ...value, tokens };
    tokens.push(...value.tokens);
    onPiece?.(count);
  }
}
