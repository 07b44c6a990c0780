import type { Engine } from "../generation/index.ts";
import type { Owl } from "../owl/index.ts";
import { described, nearestName } from "../platform/index.ts";
import { providerName } from "./call.ts";
import { OwlLanguageModel } from "./language-model.ts";

/** A provider of the AI SDK: models by name. It can be put into the SDK's registries. */
export interface OwlProvider {
  (modelId: string): OwlLanguageModel;
  readonly specificationVersion: "v3";
  /** @throws RangeError where there is no such model */
  languageModel(modelId: string): OwlLanguageModel;
  /** @throws RangeError always: these models make text. */
  embeddingModel(modelId: string): never;
  /** @throws RangeError always: these models make text. */
  imageModel(modelId: string): never;
  /** Waits for the running answers. The owls stay open; whoever loaded them closes them afterwards. */
  close(): Promise<void>;
}

/**
 * Makes a provider of the AI SDK from owls, for `generateText`, `streamText`, `generateObject`, … with pictures and videos as
 * file parts.
 *
 * @param models the owls by the names that calls use
 * @throws RangeError where there is none
 */
export function createOwl(models: Readonly<Record<string, Owl>>): OwlProvider {
  const owls = Object.entries(models ?? {});
  const wrong = owls.filter(([, owl]) => typeof owl?.engine !== "function");
  if (owls.length === 0 || wrong.length > 0) {
    const got = wrong.length === 0 ? described(models) : `${wrong[0][0]}: ${described(wrong[0][1])}`;
    throw new RangeError(
      `createOwl: must be given owls by name, { "owl-nano": await Owl.load() }, got ${got}`,
    );
  }
  const engines: readonly (readonly [name: string, owl: Owl, engine: Engine])[] = owls.map(
    ([name, owl]) => [name, owl, owl.engine()] as const,
  );
  const languageModel = (modelId: string): OwlLanguageModel => {
    const found = engines.find(([name]) => name === modelId);
    if (found !== undefined) return new OwlLanguageModel(...found);
    const names = engines.map(([name]) => name);
    const near = nearestName(String(modelId), names);
    const next = near === undefined ? `there are ${names.join(", ")}` : `did you mean ${near}?`;
    throw new RangeError(`${providerName}: no model is called ${described(modelId)} (${next})`);
  };
  const refuse = (what: string) => (modelId: string) => {
    throw new RangeError(
      `${providerName}: ${described(modelId)} makes text, no ${what}; use another provider for these`,
    );
  };
  return Object.assign((modelId: string) => languageModel(modelId), {
    specificationVersion: "v3" as const,
    languageModel,
    embeddingModel: refuse("embeddings"),
    imageModel: refuse("pictures"),
    close: async () => {
      await Promise.all(engines.map(([, , engine]) => engine.close()));
    },
  });
}
