/** What recipes, options and run states of earlier versions call things, and their names now. */
const formerNames: Readonly<Record<string, string>> = {
  clip: "maxGradNorm",
  floor: "minLearningRateRatio",
  rateFactors: "learningRateMultipliers",
  share: "weight",
  lanes: "replicas",
  says: "description",
  "shares of the data": "sampling weights of the data",
};

/** A key that stands twice: by its name and by its former name. */
export interface NamedTwice {
  readonly former: string;
  readonly current: string;
}

/** The former name of a key, where it has one. */
export function formerNameOf(current: string): string | undefined {
  return Object.keys(formerNames).find((former) => formerNames[former] === current);
}

/** The current name of a key that may have a former one. */
export const currentNameOf = (key: string): string => (isFormer(key) ? formerNames[key] : key);

const isFormer = (key: string): boolean => Object.hasOwn(formerNames, key);

/**
 * The same values by their current names, in their order.
 *
 * @param onTwice what is done where a key stands by both names; an error if absent
 * @throws {RangeError} where a key stands by both names
 */
export function withCurrentNames<T extends object>(
  values: T,
  onTwice: (names: NamedTwice) => void = ({ former, current }) => {
    throw new RangeError(`${current}: ${former} is its former name; give one of the two, not both`);
  },
): T {
  const given = Object.entries(values).filter(([key, value]) => value !== undefined || !isFormer(key));
  const entries = given.map(([key, value]) => {
    if (!isFormer(key)) return [key, value];
    const current = currentNameOf(key);
    if (given.some(([other, it]) => other === current && it !== undefined)) onTwice({ former: key, current });
    return [current, value];
  });
  return Object.fromEntries(entries) as T;
}
