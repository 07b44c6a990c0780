export { gradients, pullback } from "./gradients.ts";
export { type GradientRule, gradientRules, type RuleContext } from "./rules.ts";
export { gradientName, type SegmentStep, segmentSteps } from "./segments.ts";
