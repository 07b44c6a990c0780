import type { OnnxSignature } from "../platform/index.ts";
import { elementCount, type HostTensor } from "../tensor/index.ts";

/** Feeds or results that do not fit a program; the message lists every one of them. */
export class FeedError extends Error {
  override readonly name = "FeedError";
}

/** `int64 [batch, tokens]`, as errors print what a program asks for. */
export function showSignature({ dtype, dims }: OnnxSignature): string {
  return `${dtype} [${dims.map((size) => size || "?").join(", ")}]`;
}

/** Symbolic dimensions that feeds have given a size, and which feed did. */
type Symbols = Map<string, { readonly size: number; readonly from: string }>;

export type NamedTensors = Readonly<Record<string, HostTensor>>;

/** Throws unless the feeds are just what the inputs ask for, and the targets fit the outputs. */
export function requireFit(
  program: string,
  inputs: readonly OnnxSignature[],
  outputs: readonly OnnxSignature[],
  feeds: NamedTensors,
  into: NamedTensors,
): void {
  const symbols: Symbols = new Map();
  const problems: string[] = [];
  for (const input of inputs) {
    const tensor = feeds[input.name];
    if (tensor === undefined) problems.push(`${input.name}: is missing, must be ${showSignature(input)}`);
    else addMisfit(problems, input, tensor, symbols, true);
  }
  addUnknown(problems, "input", inputs, feeds);
  for (const output of outputs) {
    const tensor = into[output.name];
    if (tensor !== undefined) addMisfit(problems, output, tensor, symbols, false);
  }
  addUnknown(problems, "output", outputs, into);
  if (problems.length > 0) {
    throw new FeedError(
      `${program}: its tensors do not fit:\n${problems.map((line) => `  ${line}`).join("\n")}`,
    );
  }
}

function addMisfit(
  problems: string[],
  signature: OnnxSignature,
  tensor: HostTensor,
  symbols: Symbols,
  define: boolean,
): void {
  const { name, dtype, dims } = signature;
  const got = `got ${tensor.dtype} [${tensor.dims.join(", ")}]`;
  if (tensor.dtype !== dtype || tensor.dims.length !== dims.length) {
    problems.push(`${name}: must be ${showSignature(signature)}, ${got}`);
    return;
  }
  for (const [axis, size] of dims.entries()) {
    const known = typeof size === "number" ? { size } : symbols.get(size);
    const actual = tensor.dims[axis];
    if (known === undefined) {
      if (define && size !== "") symbols.set(String(size), { size: actual, from: name });
    } else if (known.size !== actual) {
      const because = "from" in known ? ` with ${size} ${known.size} as in ${known.from}` : "";
      problems.push(`${name}: must be ${showSignature(signature)}${because}, ${got}`);
      return;
    }
  }
  if (tensor.data.length !== elementCount(tensor.dims)) {
    problems.push(
      `${name}: [${tensor.dims.join(", ")}] does not fit its data of ${tensor.data.length} elements`,
    );
  }
}

function addUnknown(
  problems: string[],
  side: "input" | "output",
  signatures: readonly OnnxSignature[],
  tensors: NamedTensors,
): void {
  const names = signatures.map(({ name }) => name);
  const unknown = Object.keys(tensors).filter((name) => !names.includes(name));
  if (unknown.length === 0) return;
  problems.push(`no ${side} is called ${unknown.join(", ")}; the ${side}s are ${names.join(", ") || "none"}`);
}
