import type { GenerationName, OwlConfig } from "../owl-config.ts";
import type { OwlGeneration, PublishedNames } from "./generation.ts";
import { owl } from "./owl.ts";
import { owl2 } from "./owl2.ts";
import { owl3 } from "./owl3.ts";

/** The models of the line. */
export const generations: Readonly<Record<GenerationName, OwlGeneration>> = { owl, owl2, owl3 };

/** The generation of a config; of a language model alone, the first. */
export function generationOf({ generation }: Pick<OwlConfig, "generation">): OwlGeneration {
  return generations[generation ?? "owl"];
}

/** How files of the line call tensors, where that differs from the names inside. */
export function generationNames(): PublishedNames[] {
  return Object.values(generations).flatMap(({ names }) => names ?? []);
}

/** The generation by `model_type` in config.json; undefined where it is none of the line. */
export function generationNamed(modelType: unknown): OwlGeneration | undefined {
  return Object.values(generations).find((one) => one.modelType === modelType);
}
