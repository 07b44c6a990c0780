import type { StateDict } from "../checkpoint/index.ts";
import type { RowSource } from "../data/index.ts";
import type { OwlConfig } from "../model/index.ts";
import { type Digest, fileName, newDigest } from "../platform/index.ts";
import type { RunInput, RunInputs } from "../training/index.ts";
import type { BaseModel } from "./base-model.ts";
import type { RunPlan } from "./recipe-file.ts";
import type { RunTemplate } from "./template.ts";

/** A file of rows, as far as its checksum goes. */
export interface CheckedRows {
  readonly file: string;
  readonly content: string;
  readonly length: number;
  readonly source: Pick<RowSource, "fingerprint">;
}

/**
 * Checksums of what a run reads beside its recipe, by which a resumed run finds what has changed. They are of contents: paths and
 * names do not matter. Held-out rows are left out, since nothing learns from them.
 */
export function runInputs(
  plan: RunPlan,
  baseModel: BaseModel,
  files: readonly CheckedRows[],
  { template }: RunTemplate,
): RunInputs {
  const weights = plan.data.map(({ weight = 1 }) => weight);
  const data = files.flatMap(({ file, content, length, source }, i): [string, RunInput][] => {
    const { rows, files } = source.fingerprint;
    const name = fileName(file);
    return [
      [`data ${i + 1}`, input(`${name}, ${length} row${length === 1 ? "" : "s"}`, [content, rows])],
      [`data ${i + 1}, its pictures`, input(name, [files])],
    ];
  });
  return {
    ...Object.fromEntries(data),
    "sampling weights of the data": input(weights.join(" : "), weights),
    template: input(`"${template.user}…", "${template.assistant}…"`, [JSON.stringify(template)]),
    ...baseModelInputs(plan, baseModel),
  };
}

function baseModelInputs({ model, config, tokenizer }: RunPlan, baseModel: BaseModel): RunInputs {
  const digest = newDigest("sha256");
  updateWithText(digest, JSON.stringify(checkedConfig(baseModel.config)));
  updateWithTensors(digest, baseModel.tensors);
  const words = newDigest("sha256");
  for (const [name, bytes] of Object.entries(baseModel.tokenizerFiles).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    updateWithText(words, name);
    words.update(bytes);
  }
  const began = model ?? config ?? "";
  return {
    model: { description: fileName(began), digest: digest.hex(), isData: false },
    tokenizer: { description: fileName(tokenizer ?? began), digest: words.hex(), isData: false },
    preprocessing: { ...input("of pictures", [JSON.stringify(baseModel.preprocessor)]), isData: false },
  };
}

/** A config as its checksum is made: states of earlier versions do not name the tower, which the tensors' names tell. */
function checkedConfig({ vision, ...config }: OwlConfig): object {
  const { tower: _, ...sizes } = vision;
  return { vision: sizes, ...config };
}

function input(description: string, parts: readonly (string | number)[]): RunInput {
  const digest = newDigest("sha256");
  updateWithText(digest, JSON.stringify(parts));
  return { description, digest: digest.hex(), isData: true };
}

function updateWithText(digest: Digest, text: string): void {
  digest.update(new TextEncoder().encode(`${text}\n`));
}

const wholeBytes = 2 ** 20;
const samples = 16;

/** Hashes small tensors whole and evenly spread parts of large ones: another model differs everywhere. */
function updateWithTensors(digest: Digest, tensors: StateDict): void {
  for (const [name, { dtype, dims, data }] of [...tensors].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    updateWithText(digest, `${name} ${dtype} [${dims}]`);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (bytes.length <= wholeBytes) digest.update(bytes);
    else {
      const length = wholeBytes / samples;
      for (let i = 0; i < samples; i++) {
        const start = Math.floor(((bytes.length - length) * i) / (samples - 1));
        digest.update(bytes.subarray(start, start + length));
      }
    }
  }
}
