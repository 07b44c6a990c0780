import type { Engine, EngineOptions } from "../generation/index.ts";
import type { Owl } from "../owl/index.ts";
import { ApiError } from "./errors.ts";
import type { Limits } from "./limits.ts";

/** A model that a server answers with. */
export interface ServedModel {
  readonly owl: Owl;
  /** The directory of its files, which the page fetches to run the model in the browser. Absent: they are not served. */
  readonly directory?: string | undefined;
}

/** A served model with its engine. */
export interface OpenModel extends ServedModel {
  readonly name: string;
  readonly engine: Engine;
  /** A text of more characters cannot fit the model's positions. */
  readonly maxCharacters: number;
}

/** The models of a server by name, each with an engine of its own. */
export class Models {
  readonly #models: ReadonlyMap<string, OpenModel>;
  readonly #since = Math.floor(Date.now() / 1000);

  constructor(models: Readonly<Record<string, ServedModel>>, engine: EngineOptions | undefined) {
    this.#models = new Map(
      Object.entries(models).map(([name, model]) => [
        name,
        { ...model, name, engine: model.owl.engine(engine), maxCharacters: maxCharacters(model.owl) },
      ]),
    );
    if (this.#models.size === 0) throw new RangeError("server: must have at least one model, got none");
  }

  [Symbol.iterator](): Iterator<OpenModel> {
    return this.#models.values();
  }

  /** @throws ApiError 404 */
  get(name: string): OpenModel {
    const model = this.#models.get(name);
    if (model !== undefined) return model;
    const names = [...this.#models.keys()].join(", ");
    throw new ApiError(404, `model: there is no model of this name here; there are ${names}`, {
      param: "model",
      code: "model_not_found",
    });
  }

  /** The models as `/v1/models` lists them, with the limits of a request, which pages read. */
  list(limits: Limits): object {
    const { bodyBytes, pictures, pictureBytes, pixels, tokens } = limits;
    return {
      object: "list",
      data: [...this].map((model) => this.describe(model)),
      limits: { body_bytes: bodyBytes, pictures, picture_bytes: pictureBytes, pixels, tokens },
    };
  }

  /** One model as `/v1/models` describes it. */
  describe({ name, owl, directory }: OpenModel): object {
    return {
      id: name,
      object: "model",
      created: this.#since,
      owned_by: "mplug-owl",
      // Beyond OpenAI's fields: the context length, and what pages need.
      max_model_len: owl.config.language.maxPositions,
      video: owl.config.video === true,
      files: directory !== undefined,
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this].map(({ engine }) => engine.close()));
  }
}

/** The most characters that fit: the length of the longest token times the positions. */
function maxCharacters({ config, tokenizer }: Owl): number {
  const { model, added_tokens } = tokenizer.json;
  let longest = 1;
  for (const token of Object.keys(model.vocab)) longest = Math.max(longest, token.length);
  for (const { content } of added_tokens ?? []) longest = Math.max(longest, content.length);
  return longest * config.language.maxPositions;
}
