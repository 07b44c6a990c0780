/** A picture was asked of a language model alone. */
export class TextOnlyError extends Error {
  override name = "TextOnlyError";

  constructor() {
    super(
      "model: must have a vision tower and an abstractor for this, got a language model alone; `owl assemble` makes an owl of it",
    );
  }
}

/** The visual abstractor was asked of a model whose pictures pass a projector. */
export class NoAbstractorError extends Error {
  override name = "NoAbstractorError";

  constructor() {
    super(
      "model: must have a visual abstractor for this, got one whose pictures pass a projector; use a model with an abstractor",
    );
  }
}

/**
 * A config without `abstractor`: to ask for it is an error that says so.
 *
 * @throws NoAbstractorError later
 */
export function withoutAbstractor<Config extends object>(
  config: Config,
): Config & { readonly abstractor: never } {
  const get = (): never => {
    throw new NoAbstractorError();
  };
  Object.defineProperty(config, "abstractor", { get });
  return config as Config & { abstractor: never };
}

/**
 * A config without `vision` and `abstractor`: to ask for them is an error that says so.
 *
 * @throws TextOnlyError later, from these two
 */
export function withoutVision<Config extends object>(
  config: Config,
): Config & { readonly vision: never; readonly abstractor: never } {
  const get = (): never => {
    throw new TextOnlyError();
  };
  // Not enumerable: who copies a config asks for nothing.
  Object.defineProperties(config, { vision: { get }, abstractor: { get } });
  return config as Config & { vision: never; abstractor: never };
}
