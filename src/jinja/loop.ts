import { TemplateError } from "./error.ts";
import { areEqual, Callable, Undefined, type Value } from "./values.ts";

/** What `loop` is inside a loop, at each of its items. */
export function loopVariable(
  items: readonly Value[],
  at: number,
  memory: { last?: readonly Value[] },
): Value {
  const neighbour = (index: number, name: string): Value =>
    index in items ? items[index] : new Undefined(`there is no ${name} item`);
  const cycle = (values: readonly Value[]): Value => {
    if (values.length === 0) throw new TemplateError("no items for cycling given");
    return values[at % values.length];
  };
  const changed = (values: readonly Value[]): boolean => {
    const isSame = memory.last !== undefined && areEqual([...memory.last], [...values]);
    memory.last = values;
    return !isSame;
  };
  return new Map<string, Value>([
    ["index", at + 1],
    ["index0", at],
    ["revindex", items.length - at],
    ["revindex0", items.length - at - 1],
    ["first", at === 0],
    ["last", at === items.length - 1],
    ["length", items.length],
    ["depth", 1],
    ["depth0", 0],
    ["previtem", neighbour(at - 1, "previous")],
    ["nextitem", neighbour(at + 1, "next")],
    ["cycle", new Callable(cycle)],
    ["changed", new Callable(changed)],
  ]);
}
