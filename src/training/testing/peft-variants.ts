import type { LoraRecipe } from "../recipe.ts";

/** The recipes of the adapters in `tests/fixtures/peft`. */
export const variants: Readonly<Record<string, LoraRecipe>> = {
  rslora: { rank: 4, alpha: 8, dropout: 0.1, targets: ["q_proj", "v_proj"], useRslora: true },
  dora: {
    rank: 2,
    alpha: 6,
    dropout: 0.1,
    targets: ".*layers\\.\\d\\.(self_attn\\.(q|o)_proj|mlp\\.down_proj)",
    useDora: true,
  },
  saved: {
    rank: 2,
    alpha: 4,
    dropout: 0.1,
    targets: "all-linear",
    modulesToSave: ["lm_head", "embed_tokens"],
  },
  together: {
    rank: 3,
    alpha: 6,
    dropout: 0.1,
    targets: "language_model\\.model\\.layers\\.1\\..*_proj",
    useRslora: true,
    useDora: true,
    modulesToSave: ["norm"],
  },
};
