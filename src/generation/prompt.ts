import { type OwlConfig, tokensPerImage } from "../model/index.ts";
import { PromptError } from "../prompt/index.ts";

/** A picture as the vision encoder sees it. */
export interface Picture {
  /** Tells pictures apart: equal keys mean equal pixels. See {@link pictureOf}. */
  readonly key: string;
  /** Normalised pixels [3, imageSize, imageSize]. */
  readonly pixels: Float32Array;
}

/** What is to be continued. */
export interface Prompt {
  /** Token ids; negative at the positions of pictures, (queries + 1) of them a picture. */
  readonly ids: readonly number[];
  /** In reading order. */
  readonly pictures: readonly Picture[];
}

/** A picture of these pixels, known by their SHA-256. */
export async function pictureOf(pixels: Float32Array): Promise<Picture> {
  const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const digest = await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes));
  const key = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { key, pixels };
}

/**
 * Fails unless the model can take the prompt: not empty, ids of its vocabulary, as many picture positions as
 * the pictures need, shorter than its longest sequence.
 *
 * @throws PromptError that lists every problem
 */
export function checkPrompt(prompt: Prompt, config: OwlConfig): void {
  const { vocabulary, maxPositions } = config.language;
  const { imageSize } = config.vision;
  const problems: string[] = [];
  if (prompt.ids.length === 0) problems.push("must have at least one token, got none");
  if (prompt.ids.length > maxPositions) {
    problems.push(
      `must fit the model's ${maxPositions} positions, got ${prompt.ids.length}; shorten the conversation`,
    );
  }
  const foreign = prompt.ids.filter((id) => !Number.isInteger(id) || id >= vocabulary);
  if (foreign.length > 0) {
    problems.push(`ids must be below ${vocabulary}, the vocabulary, got ${foreign.slice(0, 5).join(", ")}`);
  }
  const positions = prompt.ids.filter((id) => id < 0).length;
  const needed = prompt.pictures.length * tokensPerImage(config);
  if (positions !== needed) {
    problems.push(`${prompt.pictures.length} pictures take ${needed} positions, got ${positions}`);
  }
  for (const [i, { pixels }] of prompt.pictures.entries()) {
    const size = 3 * imageSize ** 2;
    if (pixels.length !== size) {
      problems.push(
        `picture ${i + 1} must be 3 × ${imageSize} × ${imageSize} = ${size} values, got ${pixels.length}`,
      );
    }
  }
  if (problems.length > 0) throw new PromptError(`prompt: ${problems.join("; ")}`);
}

/** What each position holds, so that equal keys mean equal embeddings: an id, or a picture's key and row. */
export function positionKeys(prompt: Prompt, rowsPerPicture: number): (number | string)[] {
  let row = 0;
  return prompt.ids.map((id) => {
    if (id >= 0) return id;
    const picture = prompt.pictures[Math.floor(row / rowsPerPicture)];
    return `${picture.key} ${row++ % rowsPerPicture}`;
  });
}
