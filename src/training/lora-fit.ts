import {
  allLinear,
  isInModule,
  loraPartOf,
  loraTargets,
  type OwlConfig,
  type ParameterDescription,
} from "../model/index.ts";
import { nearestName } from "../platform/index.ts";
import type { LoraRecipe } from "./recipe.ts";

/** A model's parameters with those of its LoRA. */
interface Placed {
  readonly lora: LoraRecipe;
  readonly parameters: readonly ParameterDescription[];
  /** The model's own parameters. */
  readonly own: readonly ParameterDescription[];
  /** Layers that have a LoRA. */
  readonly layers: ReadonlySet<string>;
}

/**
 * Refuses a LoRA that does not fit the model, since something that the recipe names would silently not be trained, or be trained
 * twice.
 *
 * @param parameters of the model, traced with the LoRA
 * @throws RangeError where targets name no layer, or what is no linear layer; where a layer learns as a whole too; where
 *   `modulesToSave` names nothing, or a table of tokens that is the output layer too
 */
export function requireFittingLora(
  recipe: string,
  lora: LoraRecipe,
  config: OwlConfig,
  parameters: readonly ParameterDescription[],
): void {
  const parts = parameters.flatMap(({ name }) => loraPartOf(name) ?? []);
  const own = parameters.filter(({ name }) => loraPartOf(name) === undefined);
  const placed = { lora, parameters, own, layers: new Set(parts.map(({ layer }) => layer)) };
  const problem =
    (typeof lora.targets === "string" ? expressionProblem(placed) : listProblem(placed)) ??
    twiceProblem(placed) ??
    savedProblem(placed, config);
  if (problem !== undefined) throw new RangeError(`recipe ${recipe}: ${problem}`);
}

/** Names of a list that fit no layer. */
function listProblem({ lora: { targets }, own }: Placed): string | undefined {
  const layers = own.flatMap(({ name, dims }) => {
    const layer = /^(language_model\..*\.\d+\..*)\.weight$/.exec(name)?.[1];
    return layer !== undefined && dims.length === 2 ? [layer] : [];
  });
  const missing = [...targets].filter((target) => !layers.some((layer) => layer.endsWith(`.${target}`)));
  if (missing.length === 0) return undefined;
  // Behind the layer's number and its block; the last part alone may be a number (`v_proj.multiway.0`).
  const there = new Set(layers.map((layer) => layer.replace(/^.*?\.\d+\.(?:[^.]+\.)?(?=[^.])/, "")));
  return `lora.targets must name layers of this language model, got ${missing.join(", ")}; it has ${[...there].join(", ")}`;
}

/** A regular expression that fits nothing, or also what gets no LoRA: PEFT refuses it, or makes another kind of addition there. */
function expressionProblem({ lora: { targets }, own, layers }: Placed): string | undefined {
  if (targets === allLinear) return undefined;
  const isMeant = loraTargets(targets);
  if (layers.size === 0) {
    const example = own.find(
      ({ name, dims }) => name.startsWith("language_model.") && dims.length === 2 && /\.\d+\./.test(name),
    );
    const like = example === undefined ? "" : `, such as ${example.name.replace(/\.weight$/, "")}`;
    return `lora.targets, a regular expression, must fit whole names of linear layers${like}, got ${targets}; a list names layers by the ends of their names`;
  }
  const others = modulesOf(own).filter((module) => isMeant(module) && !layers.has(module));
  if (others.length === 0) return undefined;
  return `lora.targets must fit linear layers alone, got ${targets}, which fits ${some(others)} too`;
}

/** Layers whose weight learns beside its own LoRA. */
function twiceProblem({ own, layers }: Placed): string | undefined {
  const twice = own.flatMap(({ name, trained }) => {
    const layer = name.replace(/\.[^.]+$/, "");
    return trained && layers.has(layer) ? [layer] : [];
  });
  if (twice.length === 0) return undefined;
  return `lora.targets must fit layers that are frozen otherwise, got ${some([...new Set(twice)])}, which the stage or lora.modulesToSave trains as a whole`;
}

function savedProblem(
  { lora: { modulesToSave = [] }, own }: Placed,
  { language }: OwlConfig,
): string | undefined {
  const modules = modulesOf(own);
  const unknown = modulesToSave.filter((name) => !modules.some((module) => module.endsWith(name)));
  if (unknown.length > 0) {
    const ends = [...new Set(modules.map((module) => module.slice(module.lastIndexOf(".") + 1)))];
    const near = nearestName(unknown[0], ends);
    const hint =
      near === undefined
        ? `it has ${ends.filter((end) => !/^\d+$/.test(end)).join(", ")}`
        : `did you mean ${near}?`;
    return `lora.modulesToSave must name modules of this model by the ends of their names, got ${unknown.join(", ")}; ${hint}`;
  }
  const table = own.find(({ name, role }) => role === "embedding" && name.startsWith("language_model."));
  const isTied = language.tiedEmbeddings && table !== undefined;
  const tied = isTied ? modulesToSave.filter((module) => isInModule(table.name, module)) : [];
  if (tied.length === 0) return undefined;
  return `lora.modulesToSave must not name ${tied.join(", ")} of a model whose output layer is its table of tokens: PEFT would load the two apart; train without it, or take stage full`;
}

/** Every module that has parameters, by its whole name. */
function modulesOf(parameters: readonly ParameterDescription[]): string[] {
  const names = parameters.flatMap(({ name }) => {
    const parts = name.split(".");
    return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("."));
  });
  return [...new Set(names)];
}

const some = (names: readonly string[]): string =>
  names.slice(0, 4).join(", ") + (names.length > 4 ? ` and ${names.length - 4} more` : "");
