import type { Engine } from "../engine.ts";
import type { EngineAnswer, GenerationRequest, SampledToken } from "../request.ts";
import { completeSettings, type GenerationSettings } from "../settings.ts";

/** Settings of an answer of six tokens that only its length ends. */
export const settingsOf = (given: Partial<GenerationSettings>): GenerationSettings =>
  completeSettings({ eosTokenIds: [], maxNewTokens: 6, ...given });

/** An answer with the log-probabilities of its tokens. */
export interface Collected extends EngineAnswer {
  readonly tokens: readonly SampledToken[];
}

/** Iterates a request to its end; `onPiece` is called with the number of pieces so far. */
export async function run(
  engine: Engine,
  request: GenerationRequest,
  onPiece?: (count: number) => void,
): Promise<Collected> {
  const tokens: SampledToken[] = [];
  const pieces = engine.generate({ topLogprobs: 2, ...request });
  for (let count = 1; ; count++) {
    const { done, value } = await pieces.next();
    if (done) return { ...value, tokens };
    tokens.push(...value.tokens);
    onPiece?.(count);
  }
}

/** Uses an engine and closes it. */
export async function useEngine<T>(engine: Engine, use: (engine: Engine) => Promise<T>): Promise<T> {
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}
