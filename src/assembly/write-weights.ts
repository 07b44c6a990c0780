import {
  type FloatType,
  type ShardSettings,
  storedNumbers,
  type TensorEntry,
  type TensorSource,
  type WrittenShards,
  writeShards,
} from "../checkpoint/index.ts";

/**
 * Writes the weights of a source as safetensors files of a directory, piece by piece.
 *
 * @param floatType their number format; absent: half-width formats and packed numbers stay, all others become F32
 * @returns what was written
 */
export async function writeWeights(
  source: TensorSource,
  directory: string,
  settings: ShardSettings,
  floatType?: FloatType,
): Promise<WrittenShards & { readonly entries: readonly TensorEntry[] }> {
  const plan = source.tensors.map((entry) => {
    const { name, dims, type } = entry;
    const kept = type === "F16" || type === "BF16" || type === "U8" ? type : "F32";
    return { source: entry, outputs: [{ name, dims, type: floatType ?? kept }] };
  });
  const written = await writeShards(
    directory,
    plan,
    async ({ outputs: [{ name, type }] }, rows) => [
      storedNumbers(name, (await source.read(name, rows)).data, type),
    ],
    settings,
  );
  return { ...written, entries: plan.flatMap(({ outputs }) => outputs) };
}
