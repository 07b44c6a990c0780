export type { ActivationName } from "./activations.ts";
export { configJson, parseConfig } from "./config.ts";
export type { OnProblem } from "./config-reading.ts";
export { traceDecoder, traceEmbeddings, traceImageFeatures } from "./exchange.ts";
export {
  type BatchPosition,
  inputIds,
  type LabelFeeds,
  type LabelledRow,
  type LossFeeds,
  labelFeeds,
  lossFeeds,
  mediaPositions,
  type PackedFeeds,
  type Prediction,
  packedFeeds,
  predictionsOf,
  tilePositions,
  tokenFeeds,
  visualPositions,
} from "./feeds.ts";
export type { OwlGeneration, PublishedNames } from "./generations/generation.ts";
export { generationNames, generationOf } from "./generations/generations.ts";
export {
  type PrefillOptions,
  traceAttention,
  traceDecode,
  tracePictureKeys,
  tracePrefill,
  traceVideo,
  traceVision,
} from "./inference.ts";
export type { BloomConfig } from "./language/bloom.ts";
export {
  angleFeeds,
  angleLength,
  BOUNDED_CHUNK,
  type BoundedLayers,
  type CacheSizes,
  cacheSizes,
  type KvCacheDtype,
  kvCacheDtypes,
} from "./language/cached-attention.ts";
export type { RotaryDecoderConfig, RotaryFamilyName } from "./language/decoder-config.ts";
export {
  familyNamed,
  familyOf,
  familyTitles,
  knownFamilies,
  type LanguageConfig,
  type PublishedLanguage,
  publishedLanguage,
  readLanguageConfig,
} from "./language/families.ts";
export type { DecoderConfig, LanguageFamily, LayerAttentionSettings } from "./language/family.ts";
export { firstToSee, type HyperSettings, picturePosition } from "./language/hyper-settings.ts";
export type { LlamaConfig } from "./language/llama.ts";
export { maskName, positionsOfFixedAngles } from "./language/past-attention.ts";
export type { RopeScaling, RotarySettings } from "./language/rotary.ts";
export { embedTokens, nextTokenLoss } from "./language-model.ts";
export { isDropoutMask, linearLayer } from "./layers.ts";
export { traceLayerwise } from "./layerwise.ts";
export {
  allLinear,
  isInModule,
  type LoraPart,
  type LoraPlacement,
  languageTargets,
  loraParameter,
  loraPartOf,
  loraTargets,
  releasedLora,
} from "./lora.ts";
export {
  endOf,
  type MediaKind,
  type MediaSpan,
  placeholderIds,
  positionCount,
  sliceSpans,
  spansOfPlaceholders,
  type TokenSequence,
} from "./media-spans.ts";
export { describeModelType } from "./model-type.ts";
export {
  type ForwardOutput,
  type OwlSizes,
  pixelInput,
  type TracedLoss,
  traceForward,
  traceLoss,
  type VideoSizes,
  videoInput,
} from "./owl.ts";
export {
  type AbstractorConfig,
  type GenerationName,
  ModelConfigError,
  type OwlConfig,
} from "./owl-config.ts";
export {
  describeParameter,
  describeParameters,
  hasWeightDecay,
  type ParameterDescription,
} from "./parameters.ts";
export {
  type ComputedTokens,
  hyperOf,
  type PictureFeeds,
  type PicturePlaces,
  pictureFeeds,
  picturePositions,
  type SeenPictures,
  seenPictures,
} from "./picture-feeds.ts";
export {
  floatingConfig,
  keptSettings,
  languageNames,
  publishedModel,
  settingsJson,
  storedName,
} from "./published-model.ts";
export {
  modelScope,
  type Quantization,
  type QuantizedPart,
  quantizationJson,
  quantizedFormat,
  quantizedPart,
  quantizedParts,
  readQuantization,
  withActivations,
} from "./quantization.ts";
export type { TensorSizes } from "./sizes-from-tensors.ts";
export {
  type Stage,
  type StageDefinition,
  stageScope,
  stageScopeOptions,
  stages,
  trainedParameters,
} from "./stages.ts";
export { NoAbstractorError, TextOnlyError } from "./text-only.ts";
export { readingTiles, readsTiles } from "./tile-positions.ts";
export type { ClipConfig } from "./vision/clip.ts";
export type { DinoSettings, Dinov2Config, Dinov2WithRegistersConfig } from "./vision/dinov2.ts";
export type { Dinov3Config } from "./vision/dinov3.ts";
export { patchCount, patchSide } from "./vision/patches.ts";
export type { SiglipConfig } from "./vision/siglip.ts";
export type { PositionTable, PublishedTower, TowerConfig, VisionTower } from "./vision/tower.ts";
export {
  publishedVision,
  publishedVisionTypes,
  towerOf,
  towerTitles,
  type VisionConfig,
} from "./vision/towers.ts";
export { patchStates, type VisionStates, visionEncoder, visionTokens } from "./vision-encoder.ts";
export {
  type AbstractorStates,
  tokensPerImage,
  videoAbstractor,
  visualAbstractor,
} from "./visual-abstractor.ts";
