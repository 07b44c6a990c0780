import { Undefined, type Value } from "./values.ts";

/** Variables by name; what is not set here is looked for outside. */
export class Scope {
  readonly #values: Map<string, Value>;
  readonly #outer: Scope | undefined;

  constructor(values: ReadonlyMap<string, Value> = new Map(), outer?: Scope) {
    this.#values = new Map(values);
    this.#outer = outer;
  }

  get(name: string): Value {
    const own = this.#values.get(name);
    if (own !== undefined) return own;
    return this.#outer === undefined ? new Undefined(`'${name}' is undefined`) : this.#outer.get(name);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  inner(values?: ReadonlyMap<string, Value>): Scope {
    return new Scope(values, this);
  }
}
