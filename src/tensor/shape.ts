/**
 * One dimension of a shape: a name for people and, where it is known when the graph is built, a size.
 * Without a size it is symbolic: every dimension of that name has the same size when the graph runs.
 */
export interface Dim {
  readonly name: string;
  readonly size: number | undefined;
}

export type Shape = readonly Dim[];

/** A dimension of known size, or (without size) a symbolic one. */
export function dim(name: string, size?: number): Dim {
  if (size !== undefined && (!Number.isInteger(size) || size < 0)) {
    throw new RangeError(`dimension ${name}: a size is a whole number of at least 0, got ${size}`);
  }
  return { name, size };
}

/** The dimension that two neighbours become when a reshape merges them. */
export function mergedDim(...dims: Dim[]): Dim {
  const known = dims.every((d) => d.size !== undefined);
  const name = dims.map((d) => d.name).join("·");
  return dim(name, known ? dims.reduce((product, d) => product * d.size!, 1) : undefined);
}

/** Whether two dimensions certainly have the same size. */
export function sameDim(a: Dim, b: Dim): boolean {
  return a.size === undefined && b.size === undefined ? a.name === b.name : a.size === b.size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => sameDim(d, b[i]));
}

/** `[batch 2, tokens, hidden 64]`, as errors print it. */
export function showShape(shape: Shape): string {
  return `[${shape.map((d) => (d.size === undefined ? d.name : `${d.name} ${d.size}`)).join(", ")}]`;
}

/** The sizes of a shape that has no symbolic dimension. */
export function staticSizes(shape: Shape, where: string): number[] {
  return shape.map((d) => {
    if (d.size === undefined) {
      throw new TypeError(
        `${where}: needs known sizes, but ${d.name} of ${showShape(shape)} is symbolic; build the graph with a size for it`,
      );
    }
    return d.size;
  });
}

/** Whether every dimension's size is known. */
export function isStatic(shape: Shape): boolean {
  return shape.every((d) => d.size !== undefined);
}

/** The shape of an element-wise result, after NumPy's broadcasting rule; undefined when the two do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i];
    const right = b[b.length - rank + i];
    if (left === undefined || right === undefined) result.push(left ?? right);
    else if (sameDim(left, right)) result.push(left);
    else if (left.size === 1) result.push(right);
    else if (right.size === 1) result.push(left);
    else return undefined;
  }
  return result;
}

/** `axis` counted from the front; negative axes count from the back. */
export function normalizeAxis(axis: number, rank: number, where: string): number {
  const index = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || index < 0 || index >= rank) {
    throw new RangeError(
      `${where}: an axis of a rank-${rank} tensor lies in -${rank}..${rank - 1}, got ${axis}`,
    );
  }
  return index;
}
