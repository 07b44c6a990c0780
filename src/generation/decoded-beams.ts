import type { Decoder } from "../inference/index.ts";
import type { ActiveRequest } from "./active-request.ts";
import type { BeamRows } from "./beam-search.ts";

/**
 * The beams of a request in the rows of a decoder. Where they grow so long that their angles are others
 * (`angleLength`), all rows are computed anew.
 */
export class DecodedBeams implements BeamRows {
  readonly #active: ActiveRequest;
  readonly #decoder: Decoder;
  #angles: number;

  /** @param decoder holds the prompt in every row */
  constructor(active: ActiveRequest, decoder: Decoder) {
    this.#active = active;
    this.#decoder = decoder;
    this.#angles = active.angles;
  }

  async advance(
    sources: readonly number[],
    beams: readonly (readonly number[])[],
  ): Promise<readonly Float32Array[]> {
    const angles = this.#active.anglesWith(beams[0].length);
    this.#decoder.reorder(sources);
    if (angles === this.#angles) {
      const tokens = beams.map((ids) => ids[ids.length - 1]);
      return this.#decoder.decode(tokens, angles);
    }
    this.#angles = angles;
    const { sequences, visual } = await this.#active.continuedBy(beams);
    return this.#decoder.prefill(sequences, visual, 0, { angles });
  }
}
