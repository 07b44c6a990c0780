import { CheckpointError } from "./errors.ts";
import type { NamedTensors } from "./tensor-source.ts";
import { isDerivedBuffer } from "./weights.ts";

/** A parameter that a model asks for. */
export interface ExpectedParameter {
  readonly name: string;
  readonly dims: readonly number[];
}

/**
 * Proves that tensors fit a model: every expected parameter is there in its shape, and nothing else is.
 *
 * @param where what the tensors came from, for the message
 * @throws CheckpointError that names every missing, unexpected and differently shaped tensor
 */
export function verifyParameters(
  expected: readonly ExpectedParameter[],
  tensors: NamedTensors,
  where = "checkpoint",
): void {
  const problems = [...missing(expected, tensors), ...misshapen(expected, tensors)];
  const known = new Set(expected.map((parameter) => parameter.name));
  for (const [name, { dims }] of tensors) {
    if (!known.has(name) && !isDerivedBuffer(name)) problems.push(`unexpected ${name} ${show(dims)}`);
  }
  if (problems.length > 0) {
    throw new CheckpointError(
      where,
      `must hold the ${expected.length} parameters that the config describes`,
      problems,
      "Do config.json and the weights belong together?",
    );
  }
}

function missing(expected: readonly ExpectedParameter[], tensors: NamedTensors): string[] {
  return expected
    .filter(({ name }) => !tensors.has(name))
    .map(({ name, dims }) => `missing ${name} ${show(dims)}`);
}

function misshapen(expected: readonly ExpectedParameter[], tensors: NamedTensors): string[] {
  return expected.flatMap(({ name, dims }) => {
    const got = tensors.get(name)?.dims;
    return got && show(got) !== show(dims) ? [`${name} must be ${show(dims)}, is ${show(got)}`] : [];
  });
}

function show(dims: readonly number[]): string {
  return `[${dims.join(", ")}]`;
}
