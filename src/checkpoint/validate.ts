import { type DType, elementCount, type ParameterRole } from "../tensor/index.ts";
import { isLoraMatrix } from "./adapter-names.ts";
import { CheckpointError } from "./errors.ts";
import type { StoredType } from "./stored-types.ts";
import { entriesByName, type TensorEntry, type TensorSource } from "./tensor-source.ts";
import { isDerivedBuffer } from "./weights.ts";

/** A parameter that a model asks for. */
export interface ExpectedParameter {
  readonly name: string;
  readonly dims: readonly number[];
  readonly role?: ParameterRole;
  /** The type of its numbers: bytes of a quantised weight are stored as such. */
  readonly dtype?: DType;
}

/** A tensor's shape, and its format where it is stored. */
type Described = Pick<TensorEntry, "dims"> & Partial<Pick<TensorEntry, "type">>;

/**
 * Checks tensors against a model, strictly: every expected parameter is there in its shape, and nothing else is. A head
 * that the model ties to its embeddings may be there too.
 *
 * @param where what the tensors came from, for the message
 * @throws CheckpointError that names every missing, unexpected and differently shaped tensor
 */
export function validateParameters(
  expected: readonly ExpectedParameter[],
  tensors: ReadonlyMap<string, Described>,
  where = "checkpoint",
): void {
  const problems = [...missing(expected, tensors), ...misshapen(expected, tensors)];
  const known = new Set(expected.map((parameter) => parameter.name));
  const tied = new Set(tiedHeads(expected, tensors).map(({ head }) => head));
  for (const [name, { dims }] of tensors) {
    if (!known.has(name) && !tied.has(name) && !isDerivedBuffer(name)) {
      problems.push(`unexpected ${name} ${show(dims)}`);
    }
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

/**
 * The weights that a model loads: validated before any is read, and without what the model does not use (derived buffers,
 * a head that is tied to the embeddings). Closes the source where validation fails.
 *
 * @throws CheckpointError as {@link validateParameters}, and where a head differs from the embeddings it is tied to
 */
export async function validatedWeights(
  source: TensorSource,
  expected: readonly ExpectedParameter[],
): Promise<TensorSource> {
  try {
    const tensors = entriesByName(source);
    requireNoAdapter(source);
    validateParameters(expected, tensors, source.path);
    for (const { head, embeddings } of tiedHeads(expected, tensors)) {
      if (await areEqual(source, head, embeddings, tensors.get(head)!.dims)) continue;
      const problem = `${head} that differs from ${embeddings}`;
      const next = "Set tie_word_embeddings to false in config.json to use both.";
      throw new CheckpointError(
        source.path,
        "must hold tied embeddings, as config.json says",
        [problem],
        next,
      );
    }
    const known = new Set(expected.map(({ name }) => name));
    return { ...source, tensors: source.tensors.filter(({ name }) => known.has(name)) };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Reports a LoRA in place of a model, or inside of one, as such instead of as hundreds of unexpected tensors. */
function requireNoAdapter({ path, tensors }: TensorSource): void {
  const matrices = tensors.filter(({ name }) => isLoraMatrix(name)).length;
  if (matrices === 0) return;
  const got =
    matrices === tensors.length
      ? `those of a LoRA adapter (${matrices} matrices)`
      : `${matrices} matrices of a LoRA adapter among ${tensors.length} tensors, as a training script saves a model wrapped by PEFT`;
  const next = adapterAdvice(path);
  throw new CheckpointError(path, "must hold a model's weights", [got], next);
}

/** The advice for an adapter that was given in place of a model. */
export function adapterAdvice(path: string): string {
  return `Give it as the adapter of the model that it was trained on: \`owl chat MODEL --adapter ${path}\` (option adapter of Owl.load), or merge the two: \`owl merge MODEL --adapter ${path} --out DIRECTORY\`.`;
}

function missing(expected: readonly ExpectedParameter[], tensors: ReadonlyMap<string, Described>): string[] {
  return expected
    .filter(({ name }) => !tensors.has(name))
    .map(({ name, dims }) => `missing ${name} ${show(dims)}`);
}

// Not U8: that is what packed weights are stored as.
const WHOLE_NUMBERS: readonly (StoredType | undefined)[] = ["I64", "I32", "I16", "I8", "BOOL"];

/** How the bytes of quantised weights are stored. */
const STORED_BYTES: Partial<Record<DType, StoredType>> = { uint8: "U8", int8: "I8" };

function misshapen(
  expected: readonly ExpectedParameter[],
  tensors: ReadonlyMap<string, Described>,
): string[] {
  return expected.flatMap(({ name, dims, dtype }) => {
    const got = tensors.get(name);
    if (got && show(got.dims) !== show(dims)) return [`${name} must be ${show(dims)}, is ${show(got.dims)}`];
    const bytes = dtype && STORED_BYTES[dtype];
    if (bytes && got?.type) return got.type === bytes ? [] : [`${name} must be ${bytes}, is ${got.type}`];
    return WHOLE_NUMBERS.includes(got?.type) ? [`${name} must be floating point, is ${got?.type}`] : [];
  });
}

/** Heads that a model does without, because it uses an embedding table of the same shape. */
function tiedHeads(
  expected: readonly ExpectedParameter[],
  tensors: ReadonlyMap<string, Described>,
): { head: string; embeddings: string }[] {
  const tables = expected.filter(({ role }) => role === "embedding");
  return [...tensors].flatMap(([head, { dims }]) => {
    const isHead = head.endsWith("lm_head.weight") && !expected.some(({ name }) => name === head);
    const table = isHead && tables.find((candidate) => show(candidate.dims) === show(dims));
    return table && tensors.has(table.name) ? [{ head, embeddings: table.name }] : [];
  });
}

/** Elements compared at once: a multilingual table is 4 GB. */
const COMPARED_AT_ONCE = 8 * 1024 * 1024;

/** Whether two tensors of the same sizes hold the same numbers. */
async function areEqual(
  source: TensorSource,
  one: string,
  other: string,
  dims: readonly number[],
): Promise<boolean> {
  const step = Math.max(1, Math.floor(COMPARED_AT_ONCE / elementCount(dims.slice(1))));
  for (let from = 0; from < dims[0]; from += step) {
    const rows = [from, Math.min(from + step, dims[0])] as const;
    const [a, b] = [await source.read(one, rows), await source.read(other, rows)];
    if (a.data.some((value, i) => value !== b.data[i])) return false;
  }
  return true;
}

/**
 * Whether a stored head that a model does without is the same as the embeddings; also where there is none.
 *
 * @param expected what the model asks for where its head is tied
 */
export async function headIsTied(
  source: TensorSource,
  expected: readonly ExpectedParameter[],
): Promise<boolean> {
  const tensors = entriesByName(source);
  for (const { head, embeddings } of tiedHeads(expected, tensors)) {
    if (!(await areEqual(source, head, embeddings, tensors.get(head)!.dims))) return false;
  }
  return true;
}

function show(dims: readonly number[]): string {
  return `[${dims.join(", ")}]`;
}
