import type { StateDict } from "../checkpoint/index.ts";
import type { RowSource } from "../data/index.ts";
import { type Digest, fileName, newDigest } from "../platform/index.ts";
import type { RunInput, RunInputs } from "../training/index.ts";
import type { BaseModel } from "./base-model.ts";
import type { RunPlan } from "./recipe-file.ts";
import type { RunTemplate } from "./template.ts";

/** A file of rows, as far as it tells whether it is the same as before. */
export interface ReadRows {
  readonly file: string;
  readonly content: string;
  readonly length: number;
  readonly source: Pick<RowSource, "fingerprint">;
}

/**
 * What a run is made from, beside the numbers of its recipe, so that one which goes on can tell whether it still is. It is
 * known by its content: neither its place nor its name counts. Held-out rows are left out, since they teach nothing.
 */
export function runInputs(
  plan: RunPlan,
  origin: BaseModel,
  files: readonly ReadRows[],
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
    ...originInputs(plan, origin),
  };
}

function originInputs({ model, config, tokenizer }: RunPlan, origin: BaseModel): RunInputs {
  const digest = newDigest("sha256");
  addText(digest, JSON.stringify(origin.config));
  addTensors(digest, origin.tensors);
  const words = newDigest("sha256");
  for (const [name, bytes] of Object.entries(origin.tokenizerFiles).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    addText(words, name);
    words.update(bytes);
  }
  const began = model ?? config ?? "";
  return {
    model: { description: fileName(began), digest: digest.hex(), isData: false },
    tokenizer: { description: fileName(tokenizer ?? began), digest: words.hex(), isData: false },
    preprocessing: { ...input("of pictures", [JSON.stringify(origin.preprocessor)]), isData: false },
  };
}

function input(description: string, parts: readonly (string | number)[]): RunInput {
  const digest = newDigest("sha256");
  addText(digest, JSON.stringify(parts));
  return { description, digest: digest.hex(), isData: true };
}

function addText(digest: Digest, text: string): void {
  digest.update(new TextEncoder().encode(`${text}\n`));
}

const wholeBytes = 2 ** 20;
const samples = 16;

/** All of small tensors and evenly spread parts of large ones: another model differs everywhere. */
function addTensors(digest: Digest, tensors: StateDict): void {
  for (const [name, { dtype, dims, data }] of [...tensors].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    addText(digest, `${name} ${dtype} [${dims}]`);
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
