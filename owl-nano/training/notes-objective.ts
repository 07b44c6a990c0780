import type { BatchSizes } from "../../src/data/index.ts";
import {
  describeParameter,
  describeParameters,
  type OwlConfig,
  stages,
  traceLoss,
} from "../../src/model/index.ts";
import { rootScope, type Scope, type Tensor } from "../../src/tensor/index.ts";
import type { Objective } from "../../src/training/index.ts";
import { isNoteCode, noteTokens } from "./note-tokens.ts";

/**
 * The language stage: next-token loss of the language model, where each picture of a text is given as notes
 * ({@link noteTokens}). It learns to read them as it will read the visual tokens, and their words' embeddings learn with it.
 */
export function notesObjective(config: OwlConfig): Objective<BatchSizes> {
  const trained = (name: string): boolean => stages.language.trained(name) || isNoteCode(name);
  const trace = ({ rows, tokens, images, losses }: BatchSizes, scope: Scope): Tensor => {
    const notes = images > 0 ? noteTokens(scope, config, images) : undefined;
    return traceLoss(config, { batch: rows, tokens, images, lossRows: losses }, scope, notes).loss;
  };
  const scope = rootScope({ trained });
  noteTokens(scope, config, 1);
  const positions = [...scope.parameters()]
    .filter(([name]) => isNoteCode(name))
    .map(([name, tensor]) => describeParameter(name, tensor));
  return {
    parameters: [...describeParameters(config, rootScope({ trained })), ...positions],
    batchSize: ({ rows }) => rows,
    trace: (sizes) => trace(sizes, rootScope({ trained })),
  };
}
