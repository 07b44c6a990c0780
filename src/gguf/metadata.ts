/** A value of a GGUF file's metadata, whole numbers of 64 bits as numbers. */
export type MetadataValue = string | number | boolean | readonly MetadataValue[];

/** Is told every key that is wrong or says what is not computed. */
export type OnMetadataProblem = (key: string, problem: string) => void;

/** The metadata of a GGUF file by its keys. */
export class Metadata {
  readonly #values: ReadonlyMap<string, MetadataValue>;

  constructor(values: ReadonlyMap<string, MetadataValue>) {
    this.#values = values;
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  get(key: string): MetadataValue | undefined {
    return this.#values.get(key);
  }

  /** The value of a key as the type that it must have; undefined, and a problem, where it has another. */
  text(key: string, onProblem: OnMetadataProblem): string | undefined {
    return this.#as(key, "a text", onProblem, (value): value is string => typeof value === "string");
  }

  number(key: string, onProblem: OnMetadataProblem): number | undefined {
    return this.#as(key, "a number", onProblem, isNumber);
  }

  flag(key: string, onProblem: OnMetadataProblem): boolean | undefined {
    return this.#as(key, "true or false", onProblem, (value): value is boolean => typeof value === "boolean");
  }

  texts(key: string, onProblem: OnMetadataProblem): readonly string[] | undefined {
    const areTexts = (value: MetadataValue): value is readonly string[] =>
      Array.isArray(value) && value.every((one) => typeof one === "string");
    return this.#as(key, "a list of texts", onProblem, areTexts);
  }

  numbers(key: string, onProblem: OnMetadataProblem): readonly number[] | undefined {
    const areNumbers = (value: MetadataValue): value is readonly number[] =>
      Array.isArray(value) && value.every(isNumber);
    return this.#as(key, "a list of numbers", onProblem, areNumbers);
  }

  #as<T extends MetadataValue>(
    key: string,
    must: string,
    onProblem: OnMetadataProblem,
    is: (value: MetadataValue) => value is T,
  ): T | undefined {
    const value = this.#values.get(key);
    if (value === undefined || is(value)) return value;
    onProblem(key, `must be ${must}, got ${shown(value)}`);
    return undefined;
  }
}

const isNumber = (value: MetadataValue): value is number =>
  typeof value === "number" && Number.isFinite(value);

/** A value in a message. */
export function shown(value: MetadataValue): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
