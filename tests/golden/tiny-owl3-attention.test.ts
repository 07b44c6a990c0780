import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { readSafetensors, type StateDict } from "../../src/checkpoint/index.ts";
import { mediaFromPixels, pictureAttention } from "../../src/inference/index.ts";
import { hyperOf } from "../../src/model/index.ts";
import { loadParts } from "../../src/owl/index.ts";
import { shared, sharedAvailable } from "../shared.ts";
import { numbersOf } from "./run-model.ts";

const [HIDDEN, HEADS, SHARED, WIDTH, VISUAL] = [48, 4, 2, 12, 16];
const MARKER = 5;

type Rows = readonly (readonly number[])[];

/** The original's numbers and the checkpoint of one version, for attention computed by the README's formulas in float64. */
class Formulas {
  readonly #weights: StateDict;
  readonly #io: StateDict;
  readonly #layer: number;

  constructor(weights: StateDict, io: StateDict, layer: number) {
    this.#weights = weights;
    this.#io = io;
    this.#layer = layer;
  }

  /** Rows of a tensor of the original's, after this layer's norm. */
  normal(name: string): Rows {
    const weight = this.#parameter("input_layernorm.weight");
    const data = numbersOf(this.#io.get(`two_turns.${name}`)!);
    return Array.from({ length: data.length / HIDDEN }, (_, row) => {
      const x = data.slice(row * HIDDEN, (row + 1) * HIDDEN);
      const root = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / HIDDEN + 1e-6);
      return x.map((v, i) => (weight[i] * v) / root);
    });
  }

  projected(name: string, rows: Rows): Rows {
    const [weight, bias] = ["weight", "bias"].map((part) => this.#parameter(`self_attn.${name}.${part}`));
    return rows.map((x) =>
      bias.map((b, out) => x.reduce((sum, v, i) => sum + v * weight[out * HIDDEN + i], b)),
    );
  }

  #parameter(name: string): number[] {
    return numbersOf(this.#weights.get(`language_model.model.layers.${this.#layer}.${name}`)!);
  }
}

/** A head's numbers turned by a position. */
function turned(x: readonly number[], position: number): number[] {
  const half = WIDTH / 2;
  return x.map((v, i) => {
    const angle = position * 1e6 ** (-(2 * (i % half)) / WIDTH);
    const other = i < half ? -x[i + half] : x[i - half];
    return v * Math.cos(angle) + other * Math.sin(angle);
  });
}

function softmax(scores: readonly number[]): number[] {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((all, one) => all + one, 0);
  return powers.map((one) => one / sum);
}

/** How a head of a token that sees all pictures shares out its attention over their tokens. */
function shares(
  formulas: Formulas,
  { layer, starts, token, head, isShared }: Looked & { readonly token: number; readonly head: number },
): number[] {
  const text = formulas.normal(`hidden.${layer}`);
  const group = Math.floor(head / (HEADS / SHARED));
  const [query] = formulas.projected("q_proj", [text[token]]);
  const q = turned(query.slice(head * WIDTH, (head + 1) * WIDTH), token);
  const score = (key: readonly number[]): number =>
    key.reduce((sum, v, i) => sum + v * q[i], 0) / Math.sqrt(WIDTH);
  const ofPictures = formulas.projected("v_kv_proj", formulas.normal("image_embeds")).map((row, i) => {
    const key = row.slice(2 * group * WIDTH, (2 * group + 1) * WIDTH);
    return score(turned(key, starts[Math.floor(i / VISUAL)] + (isShared ? 0 : 1)));
  });
  if (!isShared) return softmax(ofPictures);
  const keys = formulas.projected("k_proj", text.slice(0, token + 1));
  const ofText = keys.map((row, t) => score(turned(row.slice(group * WIDTH, (group + 1) * WIDTH), t)));
  return softmax([...ofPictures, ...ofText]).slice(0, ofPictures.length);
}

interface Looked {
  readonly layer: number;
  readonly starts: readonly number[];
  /** Whether pictures and text share a softmax. */
  readonly isShared: boolean;
}

describe.skipIf(!sharedAvailable)("how tiny mPLUG-Owl3s look at pictures", () => {
  test.each(["240728", "241014", "241101"])("%s: by the formulas in float64", async (version) => {
    const at = (file: string): string => shared(`golden/tiny-owl3/${version}/${file}`);
    const [weights, io] = await Promise.all(
      ["model", "io"].map((f) => readSafetensors(at(`${f}.safetensors`))),
    );
    const { input_ids: ids, media_starts: starts } = JSON.parse(await readFile(at("cases.json"), "utf8"))
      .cases.two_turns as { readonly input_ids: number[]; readonly media_starts: number[] };
    const { model } = await loadParts(shared(`golden/tiny-owl3/${version}`), { threads: 1 });
    const bytes = numbersOf(io.get("two_turns.pixel_values_u8")!);
    const size = bytes.length / starts.length;
    const pictures = await Promise.all(
      starts.map((_, i) =>
        mediaFromPixels(
          Float32Array.from(
            bytes.slice(i * size, (i + 1) * size),
            (value) => (Math.fround(value / 255) - 0.5) / 0.5,
          ),
        ),
      ),
    );
    const spans = starts.map((start) => ({ kind: "image" as const, start, length: 1 }));
    const from = starts[starts.length - 1] + MARKER;
    const found = await pictureAttention(model, { ids, pictures, spans }, from);
    const { layers, gate } = hyperOf(model.config)!;
    expect(found).toHaveLength(layers.length);
    for (const [i, layer] of layers.entries()) {
      const formulas = new Formulas(weights, io, layer);
      const { dims, data } = found[i];
      expect(dims.slice(0, 3)).toEqual([1, HEADS, ids.length - from]);
      for (const head of [0, 1, 2, 3]) {
        const token = ids.length - 1 - head;
        const expected = shares(formulas, { layer, starts, isShared: gate === "none", token, head });
        const row = (head * dims[2] + token - from) * dims[3];
        for (const [j, share] of expected.entries())
          expect(Math.abs(Number(data[row + j]) - share)).toBeLessThan(1e-5);
      }
    }
    await model.close();
  });
});
