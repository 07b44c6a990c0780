import { mkdirSync } from "node:fs";
import { narrowFloats, safetensorsLayout, writeShards } from "../src/checkpoint/index.ts";
import { configJson, describeParameters, type OwlConfig, storedName } from "../src/model/index.ts";
import {
  type FilePiece,
  joinPath,
  pathKind,
  writeFileAtomically,
  writePiecesAtomically,
} from "../src/platform/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { elementCount } from "../src/tensor/index.ts";

/** Elements per write. */
const piece = 8 * 2 ** 20;

/**
 * Writes a model directory of random float16 weights under the published names and shapes, to measure speed at real sizes.
 * Norms are one, biases zero, all others normal with the standard deviation of initialisation. For speed one sequence of random
 * numbers is reused, from another offset for every piece.
 */
export async function writeSynthetic(directory: string, config: OwlConfig): Promise<void> {
  mkdirSync(directory, { recursive: true });
  if ((await pathKind(joinPath(directory, "config.json"))) === "file") return;
  const random = normalHalves(3 * piece);
  const plan = describeParameters(config).map(({ name, dims, initial }) => {
    const entry = { name, dims, type: "F16" as const };
    return { source: entry, outputs: [entry], initial };
  });
  let turn = 0;
  let told = "";
  const numbersOf = (count: number, initial: (typeof plan)[number]["initial"]): Uint16Array => {
    if (initial.kind === "constant") return new Uint16Array(count).fill(initial.value === 1 ? 0x3c00 : 0);
    const begin = (turn++ * 7_368_787) % (3 * piece - count);
    return random.subarray(begin, begin + count);
  };
  await writeShards(
    directory,
    plan,
    ({ source: { dims }, initial }, rows) => {
      const count = rows ? (rows[1] - rows[0]) * elementCount(dims.slice(1)) : elementCount(dims);
      const { buffer, byteOffset, byteLength } = numbersOf(count, initial);
      return [new Uint8Array(buffer, byteOffset, byteLength)];
    },
    {
      maxShardBytes: 2e9,
      goOn: true,
      onProgress: (_bytes, _total, file) => {
        if (file !== told) console.error(file);
        told = file;
      },
    },
  );
  await writeFileAtomically(joinPath(directory, "config.json"), JSON.stringify(configJson(config), null, 2));
}

/**
 * Writes a quantised model directory: random packed bytes, with scales that give the weights the standard deviation of
 * initialisation. No two tensors are equal, since ONNX Runtime would keep equal ones once.
 */
export async function writeQuantized(directory: string, config: OwlConfig): Promise<void> {
  if ((await pathKind(joinPath(directory, "config.json"))) === "file") return;
  const random = mulberry32(11);
  const bytes = randomBytes(4 * piece);
  const entries = describeParameters(config).map(({ name, dims, dtype, initial }) => ({
    name: storedName(config, name),
    dims,
    type: dtype === "uint8" ? ("U8" as const) : dtype === "int8" ? ("I8" as const) : ("F32" as const),
    initial,
  }));
  const { header, positions } = safetensorsLayout(entries);
  const inFourBits = config.quantization?.language?.bits === 4;
  async function* pieces(): AsyncGenerator<FilePiece> {
    yield [0, header];
    for (const { name, dims, type, initial } of entries) {
      const count = elementCount(dims);
      // The deviation of a random number of so many bits, in steps.
      const steps = inFourBits && /(^|language_model\.)model\.layers\./.test(name) ? 4.6 : 73.9;
      const value = name.endsWith(".scales")
        ? 0.02 / steps
        : initial.kind === "constant"
          ? initial.value
          : 0.02;
      for (let at = 0; at < count; at += piece) {
        const length = Math.min(piece, count - at);
        const begin = Math.floor(random() * 3 * piece);
        yield type !== "F32"
          ? [positions.get(name)! + at, bytes.subarray(begin, begin + length)]
          : [
              positions.get(name)! + 4 * at,
              new Uint8Array(wave(length, value, Math.floor(1000 * random())).buffer),
            ];
      }
    }
  }
  await writePiecesAtomically(joinPath(directory, "model.safetensors"), pieces());
  await writeFileAtomically(joinPath(directory, "config.json"), JSON.stringify(configJson(config), null, 2));
}

function randomBytes(count: number): Uint8Array {
  const words = new Uint32Array(count / 4);
  let state = 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}

/** Numbers around a value, different for every phase. */
function wave(length: number, value: number, phase: number): Float32Array {
  const numbers = new Float32Array(length);
  for (let i = 0; i < length; i++) numbers[i] = value * (1 + ((i + phase) % 1021) / 10_000);
  return numbers;
}

/** Normal random numbers of standard deviation 0.02 as float16 bits. */
function normalHalves(count: number): Uint16Array {
  const random = mulberry32(7);
  const numbers = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = 0.02 * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    numbers[i] = radius * Math.cos(angle);
    numbers[i + 1] = radius * Math.sin(angle);
  }
  return narrowFloats(numbers, "F16")!;
}
