// Hyper attention (arXiv 2408.04840 §3.2): some layers look at pictures that take no positions of the text. Their keys and values
// are made of the same visual tokens in every such layer, and depend on nothing of the text but where a picture's marker begins.

/** Which layers look at pictures, and how. */
export interface HyperSettings {
  /** From 0 on, ascending. */
  readonly layers: readonly number[];
  /**
   * How much of a token's context is a picture's: a number for each channel, or computed from the text's context for each number of
   * a head. `"none"`: pictures and text share one softmax.
   */
  readonly gate: "channel" | "context" | "none";
}

/** How pictures and text stand to each other. The versions with a gate begin behind a marker's first token. */
function behind({ gate }: HyperSettings): 0 | 1 {
  return gate === "none" ? 0 : 1;
}

/** From which position on tokens see a picture whose marker begins at `start`. */
export function firstToSee(hyper: HyperSettings, start: number): number {
  return start + behind(hyper);
}

/** The position of a picture's keys, the same for all its tokens. */
export function picturePosition(hyper: HyperSettings, start: number): number {
  return start + behind(hyper);
}

/** Whether a layer looks at pictures. */
export function looksAtPictures(config: object, layer: number): boolean {
  return "hyper" in config && (config.hyper as HyperSettings).layers.includes(layer);
}
