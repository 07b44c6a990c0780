import { type Metadata, type OnMetadataProblem, shown } from "./metadata.ts";

/** Reads keys of one architecture. */
export interface ModelKeys {
  /** The whole key of a short one. */
  full(key: string): string;
  number(key: string): number | undefined;
  text(key: string): string | undefined;
  flag(key: string): boolean | undefined;
  /** A number of every layer, all the same. */
  ofLayers(key: string): number | undefined;
  onProblem: OnMetadataProblem;
}

/** The keys of an architecture. */
export function modelKeys(name: string, metadata: Metadata, onProblem: OnMetadataProblem): ModelKeys {
  const full = (key: string): string => `${name}.${key}`;
  return {
    full,
    onProblem,
    number: (key) => metadata.number(full(key), onProblem),
    text: (key) => metadata.text(full(key), onProblem),
    flag: (key) => metadata.flag(full(key), onProblem),
    ofLayers: (key) => {
      if (!Array.isArray(metadata.get(full(key)))) return metadata.number(full(key), onProblem);
      const numbers = metadata.numbers(full(key), onProblem) ?? [];
      if (numbers.length > 0 && numbers.every((one) => one === numbers[0])) return numbers[0];
      onProblem(full(key), `must be the same in every layer, got ${shown(numbers)}`);
      return undefined;
    },
  };
}
