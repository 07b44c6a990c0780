export { adapterScopeOptions } from "./adapter-scope.ts";
export {
  type AttentionMaps,
  attentionMaps,
  besideTextMaps,
  meanOverHeads,
  type PatchFraming,
} from "./attention-maps.ts";
export {
  type ForwardResult,
  forward,
  type GradientResult,
  type ModelInputs,
  stageGradients,
} from "./forward-backward.ts";
export { ProbeError, type ProbeOptions, probeModel } from "./probe.ts";
export { probeLanguage } from "./probe-language.ts";
