import type { Prompt } from "../inference/index.ts";
import type { OwlConfig } from "../model/index.ts";
import type { Answer } from "./request.ts";
import type { GenerationSettings } from "./settings.ts";

/** The settings with no more new tokens than the model has positions for. */
export function limitToPositions(
  settings: GenerationSettings,
  { ids }: Prompt,
  { language: { maxPositions } }: OwlConfig,
): GenerationSettings {
  // The last token is not fed back, so it needs no position.
  const room = maxPositions - ids.length + 1;
  return { ...settings, maxNewTokens: Math.min(settings.maxNewTokens, room) };
}

/**
 * An answer with the notes of its prompt, and with one more where it ended because no position was left and not because
 * `settings`, as they were asked for, allowed no more tokens.
 */
export function withNotes(
  answer: Answer,
  prompt: Prompt,
  settings: GenerationSettings,
  { language: { maxPositions } }: OwlConfig,
): Answer {
  const isFull = answer.finishReason === "length" && answer.ids.length < settings.maxNewTokens;
  const notes = [
    ...(prompt.notes ?? []),
    ...(isFull ? [`The answer was cut: the model's ${maxPositions} positions are full.`] : []),
  ];
  return notes.length === 0 ? answer : { ...answer, notes };
}
