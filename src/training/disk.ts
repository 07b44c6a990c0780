import type { ParameterDescription } from "../model/index.ts";
import { elementCount } from "../tensor/index.ts";
import { optimizerOf } from "./optimizers/index.ts";
import type { TrainingRecipe } from "./recipe.ts";

/** Bytes that a run writes, by what they are for. */
export interface DiskEstimate {
  /** One checkpoint: what learns, and the optimizer's state. */
  readonly checkpoint: number;
  /** A fresh base model; 0 where the run begins with a stored one. */
  readonly start: number;
  /** The result; 0 where it is an adapter alone. */
  readonly model: number;
  /** What learned beside the base model; 0 where no LoRA is trained. */
  readonly adapter: number;
}

const bytesPerFloat = 4;

/** How much a run writes: everything in single precision, without the headers of files and the tokenizer. */
export function estimateDisk(
  parameters: readonly ParameterDescription[],
  recipe: TrainingRecipe,
  { isFresh, isQuantized }: { readonly isFresh: boolean; readonly isQuantized: boolean },
): DiskEstimate {
  const bytesOf = (chosen: readonly ParameterDescription[]): number =>
    chosen.reduce((sum, { dims }) => sum + elementCount(dims), 0) * bytesPerFloat;
  const trained = bytesOf(parameters.filter((parameter) => parameter.trained));
  const ofModel = bytesOf(parameters.filter(({ module }) => module !== "LoRA"));
  const hasLora = parameters.some(({ module, trained }) => module === "LoRA" && trained);
  return {
    checkpoint: trained * (1 + optimizerOf(recipe).optimizer.state.length),
    start: isFresh ? ofModel : 0,
    model: isQuantized ? 0 : ofModel,
    adapter: hasLora ? trained : 0,
  };
}
