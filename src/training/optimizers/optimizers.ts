import { z } from "zod";
import { adamw } from "./adamw.ts";
import { lion } from "./lion.ts";
import type { Optimizer } from "./optimizer.ts";
import { sgd } from "./sgd.ts";

/** Every optimizer that a recipe may choose, by its name there. */
export const optimizers = { adamw, sgd, lion };

export type OptimizerName = keyof typeof optimizers;

/** The optimizer of recipes that name none. */
export const defaultOptimizer: OptimizerName = "adamw";

export const optimizerNames = Object.keys(optimizers) as OptimizerName[];

type Intersection<Union> = (Union extends unknown ? (member: Union) => void : never) extends (
  member: infer Both,
) => void
  ? Both
  : never;
type Shapes = Intersection<(typeof optimizers)[OptimizerName]["hyperparameters"]>;

/** The recipe keys of all optimizers' hyperparameters, with what each must be. */
export const optimizerHyperparameters: Shapes = Object.assign(
  {},
  ...Object.values(optimizers).map(({ hyperparameters }) => hyperparameters),
);

/** Every optimizer's hyperparameters by recipe key; which of them a recipe has follows from its optimizer. */
export type OptimizerHyperparameters = {
  readonly [Key in keyof Shapes]?: z.infer<Shapes[Key]> | undefined;
};

/** Keys among these values that are hyperparameters of other optimizers. */
export function foreignHyperparameters(name: OptimizerName, values: object): string[] {
  const given = Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [key]));
  return given.filter(
    (key) =>
      Object.hasOwn(optimizerHyperparameters, key) && !Object.hasOwn(optimizers[name].hyperparameters, key),
  );
}

/** An optimizer with the hyperparameters that a recipe gives it. */
export interface ChosenOptimizer {
  readonly optimizer: Optimizer;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
}

/**
 * The optimizer that a recipe chooses.
 *
 * @throws {RangeError} where it does not exist, lacks a hyperparameter, or has one of another optimizer
 */
export function optimizerOf(
  recipe: OptimizerHyperparameters & {
    readonly name: string;
    readonly optimizer?: OptimizerName | undefined;
  },
): ChosenOptimizer {
  const { name, optimizer: chosen = defaultOptimizer } = recipe;
  const where = `recipe ${name}`;
  if (!Object.hasOwn(optimizers, chosen)) {
    throw new RangeError(`${where}: optimizer must be one of ${optimizerNames.join(", ")}, got ${chosen}`);
  }
  const optimizer: Optimizer = optimizers[chosen];
  const [foreign] = foreignHyperparameters(chosen, recipe);
  if (foreign !== undefined) throw new RangeError(`${where}: ${foreignKey(foreign, chosen)}`);
  const parsed = z.object(optimizer.hyperparameters).safeParse(recipe);
  if (parsed.success) return { optimizer, hyperparameters: parsed.data };
  const [{ path, message }] = parsed.error.issues;
  throw new RangeError(`${where}: ${path.join(".")} of optimizer ${chosen}: ${message}`);
}

/** What is wrong with a hyperparameter of another optimizer. */
export function foreignKey(key: string, chosen: OptimizerName): string {
  const owners = optimizerNames.filter((name) => Object.hasOwn(optimizers[name].hyperparameters, key));
  const own = ["weightDecay", ...Object.keys(optimizers[chosen].hyperparameters)];
  return `${key}: optimizer ${chosen} takes ${own.join(", ")}; ${key} is of ${owners.join(", ")}. Leave it out, or choose that optimizer`;
}
