export { gradients } from "./gradients.ts";
export { type GradientRule, gradientRules, type Step } from "./rules.ts";
